import type { NestExpressApplication } from '@nestjs/platform-express';
import { BadBodyError } from './api-error.js';

/**
 * Reads bodies that are JSON and no others: Nest's own parsers take forms too, and an empty body for `{}`. What is
 * JSON and no object passes, so that the endpoint can say what it expects.
 */
export function readJsonBodies(app: NestExpressApplication): void {
  app.useBodyParser('json', { strict: false, verify: refuseEmpty });
}

/** @throws BadBodyError */
function refuseEmpty(_request: unknown, _response: unknown, body: Buffer): void {
  if (body.length === 0) throw new BadBodyError('The body is empty; send a JSON object');
}
