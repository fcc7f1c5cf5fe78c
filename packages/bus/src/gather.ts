// Gathers what one turn of the event loop sends, so that it leaves in one write.
//
// The client library writes to its socket at the end of every microtask. A group commit answers hundreds of handlers
// in one turn, each in a microtask of its own: without this, every acknowledgement would be a system call.

export class Gathered {
  #sends: (() => void)[] = [];

  /** The send must not throw. */
  add(send: () => void): void {
    // Neither a timer nor a delay: it runs as soon as what is being computed now is done.
    if (this.#sends.length === 0) setImmediate(() => this.flush());
    this.#sends.push(send);
  }

  flush(): void {
    const sends = this.#sends;
    this.#sends = [];
    for (const send of sends) send();
  }
}
