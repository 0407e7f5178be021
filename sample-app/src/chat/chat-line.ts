/** A line of chat as `GET /chat` shows it. */
export interface ChatLine {
  /** Id of the member that wrote it. */
  readonly from: string;
  readonly text: string;
  /** When it arrived here, milliseconds since 1970. */
  readonly at: number;
}

/** What travels between members. */
export interface ChatText {
  readonly text: string;
}

/** Bytes of one text, as UTF-8. */
export const MAX_TEXT_BYTES = 4096;

declare module 'clusterpack' {
  interface ClusterContracts {
    chat: { data: ChatText };
  }
}

/** Whether a value, from a peer or a client, is a text; its length is another question. */
export function isChatText(value: unknown): value is ChatText {
  if (typeof value !== 'object' || value === null) return false;
  const { text } = value as { text?: unknown };
  return typeof text === 'string' && text !== '';
}

/** Whether a text is as short as it has to be. */
export function fits(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_TEXT_BYTES;
}
