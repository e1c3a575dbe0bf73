/** Edges while they are being found; `Edges` once they are. */
export interface MutableEdges {
  next: readonly number[];
  otherwise: readonly number[];
  onError: readonly number[];
  body: readonly number[];
}

export const createEdges = (): MutableEdges => ({
  next: [],
  otherwise: [],
  onError: [],
  body: [],
});
