import type { Gain } from './experiment.js';
import { shown } from './verdict.js';

/** Two measurements side by side; nothing where a part of the experiment was not run. */
export function gain(
  what: string,
  { papers, own, unit }: { readonly papers: number; readonly own: number; readonly unit?: string },
): readonly Gain[] {
  if (Number.isNaN(papers) || Number.isNaN(own)) return [];
  const text = (value: number): string => (unit === undefined ? shown(value) : `${shown(value)} ${unit}`);
  return [{ what, papers: text(papers), own: text(own) }];
}
