// Views of the board that readers gave a name to: an address each.

export interface SavedView {
  name: string;
  // As in the address, without the question mark.
  query: string;
}

const store = 'views';

function read(): SavedView[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(store) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one): one is SavedView => typeof one?.name === 'string' && typeof one.query === 'string') : [];
  } catch {
    return [];
  }
}

class Views {
  list = $state.raw<SavedView[]>(read());

  // save keeps a view; one of the same name is replaced.
  save(name: string, query: string): void {
    this.#keep([...this.list.filter((view) => view.name !== name), { name, query }].sort((a, b) => a.name.localeCompare(b.name)));
  }

  remove(name: string): void {
    this.#keep(this.list.filter((view) => view.name !== name));
  }

  #keep(list: SavedView[]): void {
    this.list = list;
    localStorage.setItem(store, JSON.stringify(list));
  }
}

export const views = new Views();
