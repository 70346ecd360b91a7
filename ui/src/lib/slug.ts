// slug makes an id of a name: [a-z0-9][a-z0-9_-]{0,63}, or nothing when there is nothing to make it of.
export const slug = (name: string): string =>
  name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9_-]+/g, '-').replace(/^[-_]+|-+$/g, '').slice(0, 64);
