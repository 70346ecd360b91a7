// Short messages at the edge of the page: what was done, and how to undo it.

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
  action?: { name: string; run: () => void };
}

let last = 0;

class Notices {
  list = $state.raw<Notice[]>([]);

  // say shows a text; with an action it stays long enough to be used.
  say(text: string, action?: Notice['action']): void {
    this.#add({ id: ++last, text, bad: false, ...(action && { action }) }, action ? 10_000 : 5000);
  }

  // warn shows what went wrong.
  warn(text: string): void {
    this.#add({ id: ++last, text, bad: true }, 10_000);
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(notice: Notice, forMilliseconds: number): void {
    this.list = [...this.list.slice(-2), notice];
    setTimeout(() => this.close(notice.id), forMilliseconds);
  }
}

export const notices = new Notices();
