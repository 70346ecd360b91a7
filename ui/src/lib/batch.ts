// Batch gathers what comes in a stream, so that the page is changed some times a second however much
// comes. The first of a burst is applied at once. It uses no animation frames: a hidden page has none,
// and what came meanwhile would pile up.
export class Batch<T> {
  #items: T[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #applied = 0;

  constructor(
    readonly everyMilliseconds: number,
    readonly apply: (items: T[]) => void,
  ) {}

  add(item: T): void {
    this.hold(item);
    this.#timer ??= setTimeout(() => this.flush(), Math.max(0, this.#applied + this.everyMilliseconds - performance.now()));
  }

  // hold keeps an item until another one is added, or until all are flushed.
  hold(item: T): void {
    this.#items.push(item);
  }

  // stop forgets what is not applied yet.
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
  }

  // flush applies at once what waits.
  flush(): void {
    const items = this.#items;
    // What was only held is no burst: the next that is added is still the first.
    if (this.#timer !== undefined) this.#applied = performance.now();
    this.stop();
    if (items.length > 0) this.apply(items);
  }
}
