// The bodies of the three steps that are measured: they do next to nothing, so that what is measured is the engine.
// `millrace start --functions` loads this folder; engines in process are given the same.

interface Counted {
  readonly n: number;
}

export const stepOne = ({ n }: Counted): Counted => ({ n: n + 1 });
export const stepTwo = ({ n }: Counted): Counted => ({ n: n + 1 });
export const stepThree = ({ n }: Counted): Counted => ({ n: n + 1 });
