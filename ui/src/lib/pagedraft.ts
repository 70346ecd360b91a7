import type { Announcement, StatusPage } from '../api/types';

// PageDefinition is a status page without what only reading adds.
export type PageDefinition = Pick<StatusPage, 'id' | 'title' | 'description' | 'services' | 'show_causes' | 'announcements'>;

// PageDraft is one while it is being written: every field is there.
export type PageDraft = Required<Omit<PageDefinition, 'announcements'>> & { announcements: Required<Announcement>[] };

export const pageLink = (id: string): string => `/pages/${encodeURIComponent(id)}`;
// publicLink is where anybody sees it.
export const publicLink = (id: string): string => `/status/${encodeURIComponent(id)}`;

export const pageDraftOf = (page: Partial<PageDefinition>): PageDraft => ({
  id: page.id ?? '', title: page.title ?? '', description: page.description ?? '', services: [...(page.services ?? [])], show_causes: page.show_causes ?? false,
  announcements: (page.announcements ?? []).map(({ title, at, text = '', until = '' }) => ({ title, text, at, until })),
});

// pageOfDraft leaves out what is empty.
export function pageOfDraft(draft: PageDraft): PageDefinition {
  const filled = <T extends object>(of: T): T => Object.fromEntries(Object.entries(of).filter(([, value]) => value !== '' && value !== false)) as T;
  return {
    ...filled({ id: draft.id, title: draft.title.trim(), description: draft.description.trim(), show_causes: draft.show_causes }),
    services: [...draft.services], announcements: draft.announcements.map((word) => filled({ ...word, title: word.title.trim(), text: word.text.trim() })),
  };
}

// barePage is a page without what only reading adds, as pageOfDraft writes it.
export const barePage = (page: StatusPage): PageDefinition => pageOfDraft(pageDraftOf(page));
