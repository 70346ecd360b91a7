// The address bar is the state of the page: path and query, nothing hidden.

function read(): { path: string; query: URLSearchParams } {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

let current = $state(read());

addEventListener('popstate', () => {
  current = read();
});

export const route = {
  get path(): string {
    return current.path;
  },
  get query(): URLSearchParams {
    return current.query;
  },
};

export function go(to: string): void {
  if (to === location.pathname + location.search) return;
  history.pushState(null, '', to);
  current = read();
  scrollTo(0, 0);
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
  current = read();
}

// follow lets plain links change the page without loading it.
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest('a');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.target || link.origin !== location.origin || link.pathname.startsWith('/api') || link.hasAttribute('download')) return;
  if (['/docs', '/metrics', '/openapi.json', '/asyncapi.json'].includes(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
