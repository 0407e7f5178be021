import { Controller, HttpCode, Post, Query } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { ApiError } from './api-error.js';

const MAX_BLOCK_MS = 60_000;

/** What makes this process misbehave, for those who look how others take it. Only with SAMPLE_DEBUG=1. */
@Controller('debug')
export class DebugController {
  /** Holds up the event loop, as a handler does that computes for long; answers afterwards. */
  @Post('block')
  @HttpCode(204)
  block(@Query('ms') text?: string): void {
    const ms = /^\d{1,5}$/.test(text ?? '') ? Number(text) : Number.NaN;
    if (!(ms <= MAX_BLOCK_MS))
      throw new ApiError(400, 'BAD_QUERY', `ms must be an integer from 0 to ${MAX_BLOCK_MS}`);
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
  }
}
