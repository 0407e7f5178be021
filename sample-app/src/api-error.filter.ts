import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import {
  ClosedError,
  ClusterError,
  InvalidMetadataError,
  InvalidNodeIdError,
  NotStartedError,
  RequestTimeoutError,
  SerializationError,
  UnknownMemberError,
} from 'clusterpack';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { ApiError } from './api-error.js';

/** Gives every error of the HTTP interface the one shape `{code, message}`. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<IncomingMessage>();
    const response = http.getResponse<ServerResponse>();
    const answer = toApiError(error, request);
    if (answer.getStatus() === 500) this.logger.error(error instanceof Error ? error.stack : error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.statusCode = answer.getStatus();
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(answer.getResponse()));
  }
}

function toApiError(error: unknown, request: IncomingMessage): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ClusterError) return new ApiError(statusOf(error), error.code, error.message);
  const status = statusOfHttp(error);
  if (status === undefined) return new ApiError(500, 'INTERNAL', 'An unexpected error; the log has it');
  const { message } = error as Error;
  // The ids are the only parameters of paths.
  if (message.startsWith('Failed to decode param'))
    return new ApiError(400, 'CLUSTER_INVALID_NODE_ID', message);
  if (status === 404) return new ApiError(404, 'NO_SUCH_ENDPOINT', message);
  if (status !== 413) return new ApiError(status, wordOf(status), message);
  // Too long for the body parser is too long for the endpoint, which has a word of its own for that.
  return request.url?.startsWith('/metadata') === true
    ? new ApiError(413, 'CLUSTER_INVALID_METADATA', `The metadata is over its limit: ${message}`)
    : new ApiError(400, 'TEXT_TOO_LONG', `The body is too long: ${message}`);
}

/** The library's errors in the words of HTTP. What is not named here is about the way to another member. */
function statusOf(error: ClusterError): number {
  if (error instanceof InvalidNodeIdError || error instanceof SerializationError) return 400;
  if (error instanceof UnknownMemberError) return 404;
  if (error instanceof InvalidMetadataError) return error.limitBytes === undefined ? 400 : 413;
  if (error instanceof NotStartedError || error instanceof ClosedError) return 503;
  if (error instanceof RequestTimeoutError) return 504;
  return 502;
}

/** Nest's own errors and those of Express's body parser; but for its length, a body that cannot be read is a bad one. */
function statusOfHttp(error: unknown): number | undefined {
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { status?: unknown } | null)?.status;
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  return status === 415 ? 400 : status;
}

function wordOf(status: number): string {
  if (status === 400) return 'BAD_BODY';
  return (STATUS_CODES[status] ?? 'ERROR').toUpperCase().replaceAll(/[^A-Z]+/g, '_');
}
