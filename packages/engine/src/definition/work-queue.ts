/** First in, first out. `shift` of an array of 10,000 would move all others each time. */
export class WorkQueue<T> {
  #items: T[] = [];
  #next = 0;

  add(item: T): void {
    this.#items.push(item);
  }

  /** undefined: it is empty. */
  take(): T | undefined {
    const item = this.#items[this.#next++];
    if (this.#next >= this.#items.length) {
      this.#items = [];
      this.#next = 0;
    }
    return item;
  }
}
