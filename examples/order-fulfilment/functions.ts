interface Line {
  readonly sku: string;
  readonly quantity: number;
  /** Euros a piece. */
  readonly price: number;
}

interface Order {
  readonly orderId: string;
  readonly card: string;
  readonly lines: readonly Line[];
}

export function validateOrder(order: Order) {
  if (order.lines.length === 0) throw new Error(`Order ${order.orderId} has no lines`);
  return order;
}

export function takePayment({ card, lines }: Order) {
  const cents = lines.reduce(
    (sum, { quantity, price }) => sum + quantity * Math.round(price * 100),
    0,
  );
  return card === "declined"
    ? { status: "declined", reason: "The card was declined" }
    : { status: "succeeded", charged: cents / 100 };
}

export function decrementStock({ sku, quantity }: Line) {
  return { sku, taken: quantity };
}

export function createShipment({ orderId, lines }: { orderId: string; lines: number }) {
  return { shipment: `SHP-${orderId}`, lines };
}
