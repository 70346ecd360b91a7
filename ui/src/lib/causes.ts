import { get } from '../api/client';
import type { Causes } from '../api/types';

// What part a link plays in a chain, in a word.
export const roles: Record<string, string> = {
  command: 'Asked for', result: 'Cause', definition: 'Definition', check_status: 'Transition', incident: 'Incident', service_status: 'Service',
  notification: 'Alert', delivery: 'Delivery', runner: 'Runner',
};

// causesOf reads the chain that an event, incident ("incident:ID") or check ("check:ID") is part of.
export const causesOf = (id: string, signal?: AbortSignal): Promise<Causes> => get<Causes>(`/events/${encodeURIComponent(id)}/causes`, signal);
