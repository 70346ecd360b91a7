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
  if (!response.ok) throw problemOf(response.status, text);
  const data: unknown = text === '' ? undefined : JSON.parse(text);
  return { data: data as T, etag: response.headers.get('ETag') ?? '', status: response.status };
}

// Something in between, a proxy say, may answer with what is no JSON.
function problemOf(status: number, text: string): Problem {
  let body: { title?: string; detail?: string; errors?: FieldError[] } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    body.detail = `The server answered with status ${status}.`;
  }
  return new Problem(status, body.title ?? `Error ${status}`, body.detail ?? '', body.errors ?? []);
}

// newKey makes an Idempotency-Key: a request that is sent again has its effect once.
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await request<T>('GET', path, signal ? { signal } : {})).data;

// write sends a change with a key of its own, and once more should the connection break before the answer.
export async function write<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const keyed = { key: newKey(), ...options };
  try {
    return await request<T>(method, path, keyed);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return request<T>(method, path, keyed);
  }
}

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
  if (error instanceof Problem) {
    return error.errors.length === 1 ? `${error.errors[0]?.field}: ${error.errors[0]?.message}` : error.message;
  }
  if (error instanceof TypeError) return 'The server cannot be reached. It may be restarting.';
  return error instanceof Error ? error.message : String(error);
}
