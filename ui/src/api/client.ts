// The door to the REST API: JSON in, JSON out, problems as errors.

export interface FieldError {
  field: string;
  message: string;
}

// Problem is an answer that is not a success (RFC 9457).
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly errors: FieldError[],
  ) {
    super(detail || title);
  }
}

export interface Answer<T> {
  data: T;
  etag: string;
  status: number;
}

interface Options {
  body?: unknown;
  ifMatch?: string;
  key?: string;
  contentType?: string;
  signal?: AbortSignal;
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const headers = new Headers({ Accept: 'application/json' });
  const token = sessionStorage.getItem('token');
  if (token) headers.set('Authorization', `Bearer ${token}`);
  if (options.body !== undefined) headers.set('Content-Type', options.contentType ?? 'application/json');
  if (options.ifMatch) headers.set('If-Match', options.ifMatch);
  if (options.key) headers.set('Idempotency-Key', options.key);
  const init: RequestInit = { method, headers };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  const response = await fetch(`/api/v1${path}`, init);
  const text = await response.text();
  const data: unknown = text === '' ? undefined : JSON.parse(text);
  if (!response.ok) throw problemOf(response.status, data);
  return { data: data as T, etag: response.headers.get('ETag') ?? '', status: response.status };
}

function problemOf(status: number, data: unknown): Problem {
  const body = (data ?? {}) as { title?: string; detail?: string; errors?: FieldError[] };
  return new Problem(status, body.title ?? `Error ${status}`, body.detail ?? '', body.errors ?? []);
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await request<T>('GET', path, signal ? { signal } : {})).data;

export interface Page<T> {
  items: T[];
  next_cursor?: string;
  total: number;
}

// all reads every page of a list.
export async function all<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  for (let cursor = ''; ; ) {
    const join = path.includes('?') ? '&' : '?';
    const page = await get<Page<T>>(`${path}${join}limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, signal);
    items.push(...page.items);
    if (!page.next_cursor) return items;
    cursor = page.next_cursor;
  }
}

// say puts an error into words for people.
export function say(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof TypeError) return 'The server cannot be reached. It may be restarting.';
  return error instanceof Error ? error.message : String(error);
}
