import { travels } from './sections';

// The address bar is the state of the page: path and query, nothing hidden.

interface Place {
  path: string;
  query: URLSearchParams;
}

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

let current = $state.raw(read());
let guard: (() => boolean) | undefined;
let board = '/';

export const route = {
  get path(): string {
    return current.path;
  },
  get query(): URLSearchParams {
    return current.query;
  },
  // The parts of the path, decoded.
  get parts(): string[] {
    return current.path.split('/').filter(Boolean).map(decodeURIComponent);
  },
  // Where the board was left, with its filters.
  get board(): string {
    return board;
  },
};

// guardLeaving asks before the page is left; it returns how to stop asking.
export function guardLeaving(mayLeave: () => boolean): () => void {
  const asking = (event: BeforeUnloadEvent): void => {
    if (!mayLeave()) event.preventDefault();
  };
  guard = () => mayLeave() || confirm('Leave without saving what you changed?');
  addEventListener('beforeunload', asking);
  return () => {
    guard = undefined;
    removeEventListener('beforeunload', asking);
  };
}

function show(): void {
  current = read();
  // Where it was left, but not when.
  if (current.path === '/') board = location.pathname + location.search.replace(/([?&])at=[^&]*&?/, '$1').replace(/[?&]$/, '');
}

addEventListener('popstate', () => {
  if (location.pathname !== current.path && guard && !guard()) {
    const query = current.query.toString();
    history.pushState(null, '', current.path + (query && `?${query}`));
    return;
  }
  show();
});

export function go(link: string): void {
  const to = travelling(link);
  if (to === location.pathname + location.search || (guard && !guard())) return;
  history.pushState(null, '', to);
  show();
  scrollTo(0, 0);
}

// travelling keeps a link at the instant that is looked at, where its page can show it.
function travelling(link: string): string {
  const at = current.query.get('at');
  const to = new URL(link, location.origin);
  if (!at || to.searchParams.has('at') || !travels(to.pathname)) return link;
  to.searchParams.set('at', at);
  return to.pathname + to.search;
}

// setQuery changes some parameters in place; an empty value removes one.
export function setQuery(changes: Record<string, string>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  history.replaceState(null, '', location.pathname + (text && `?${text}`));
  show();
}

// follow lets plain links change the page without loading it.
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest('a');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.target || link.getAttribute('href')?.startsWith('#') || link.origin !== location.origin || /^\/(api|status)(\/|$)/.test(link.pathname) || link.hasAttribute('download')) return;
  if (['/docs', '/metrics', '/openapi.json', '/asyncapi.json', '/asyncapi.yaml'].includes(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export const checkLink = (id: string): string => `/checks/${encodeURIComponent(id)}`;
export const incidentLink = (id: string): string => `/incidents/${encodeURIComponent(id)}`;
