const orderFulfillment = await api.workflows.create({
name: 'Order Fulfillment Workflow',
description: 'Complete order fulfillment from payment to delivery',
steps: [
{
id: 'validate',
name: 'Validate Order',
type: 'function',
function: 'validate-order',
next: 'process-payment',
},
{
id: 'process-payment',
name: 'Process Payment',
type: 'function',
function: 'charge-payment',
next: 'verify-payment',
},
{
id: 'verify-payment',
name: 'Verify Payment',
type: 'condition',
condition: 'result.status === "succeeded"',
next: ['update-inventory', 'notify-customer'],
config: { else: 'payment-failed' },
},
{
id: 'update-inventory',
name: 'Update Inventory',
type: 'function',
function: 'decrement-stock',
next: 'create-shipment',
},
{
id: 'notify-customer',
name: 'Send Confirmation Email',
type: 'function',
function: 'send-order-confirmation',
},
{
id: 'create-shipment',
name: 'Create Shipment',
type: 'function',
function: 'schedule-shipment',
next: 'notify-warehouse',
},
{
id: 'notify-warehouse',
name: 'Notify Warehouse',
type: 'function',
function: 'send-pick-notification',
},
{
id: 'payment-failed',
name: 'Handle Payment Failure',
type: 'function',
function: 'notify-payment-failure',
},
],
triggers: [
{
type: 'event',
config: { eventType: 'order.created' },
},
],
})
