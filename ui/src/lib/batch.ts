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
    this.#items.push(item);
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, this.#applied + this.everyMilliseconds - performance.now()));
  }

  // stop forgets what is not applied yet.
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
  }

  #flush(): void {
    const items = this.#items;
    this.#items = [];
    this.#timer = undefined;
    this.#applied = performance.now();
    this.apply(items);
  }
}
