/** Characters that end a line, or that no header may have. */
export const hasControls = (text: string): boolean =>
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(text);
