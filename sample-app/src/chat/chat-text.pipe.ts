import { Injectable, type PipeTransform } from '@nestjs/common';
import { BadBodyError } from '../api-error.js';
import { fits, isChatText, MAX_TEXT_BYTES } from './chat-line.js';

/** Takes the text out of a body. */
@Injectable()
export class ChatTextPipe implements PipeTransform<unknown, string> {
  transform(body: unknown): string {
    if (!isChatText(body)) {
      throw new BadBodyError(
        'Send a JSON object {"text": "…"} with a text, and "Content-Type: application/json"',
      );
    }
    if (!fits(body.text)) {
      throw new BadBodyError(
        `The text has ${Buffer.byteLength(body.text)} bytes, the limit is ${MAX_TEXT_BYTES}`,
        'TEXT_TOO_LONG',
      );
    }
    return body.text;
  }
}
