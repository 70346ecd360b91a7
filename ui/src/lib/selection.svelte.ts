// Selection is which checks something is to be done to.
export class Selection {
  on = $state(false);
  #chosen = $state.raw<ReadonlySet<string>>(new Set());
  #last = 0;

  get ids(): string[] {
    return [...this.#chosen];
  }

  has(id: string): boolean {
    return this.#chosen.has(id);
  }

  // toggle selects a line or takes it out; with a range, all from the one before to it. A line without
  // an id is none of a check.
  toggle(ids: (string | undefined)[], index: number, range: boolean): void {
    const next = new Set(this.#chosen);
    const adding = !this.#chosen.has(ids[index] ?? '');
    const from = range ? Math.min(this.#last, index) : index;
    const to = range ? Math.max(this.#last, index) : index;
    for (const id of ids.slice(from, to + 1)) {
      if (id === undefined) continue;
      if (adding) next.add(id);
      else next.delete(id);
    }
    this.#last = index;
    this.set(next);
  }

  set(ids: Iterable<string>): void {
    this.#chosen = new Set(ids);
    this.on = true;
  }

  flip(): void {
    if (this.on) this.stop();
    else this.on = true;
  }

  stop(): void {
    this.on = false;
    this.#chosen = new Set();
  }
}
