// What one turn of the event loop has to say, said at once.

export class Gathered<Item> {
  readonly #send: (all: readonly Item[]) => void;
  #items: Item[] = [];

  constructor(send: (all: readonly Item[]) => void) {
    this.#send = send;
  }

  add(item: Item): void {
    if (this.#items.length === 0)
      setImmediate(() => {
        const items = this.#items;
        this.#items = [];
        this.#send(items);
      });
    this.#items.push(item);
  }
}
