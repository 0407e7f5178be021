import { HttpException, HttpStatus } from '@nestjs/common';
import { ReplyError } from '../../errors.js';
import { ClusterException } from '../cluster-exception.js';

const FIRST_SERVER_ERROR = 500;

/**
 * What a caller may know of a handler's error: `ClusterException`, `RpcException` and `HttpException` below 500 were
 * made to be told and become a `ReplyError`. Anything else is given back as it is; the node keeps it to itself.
 */
export function toReplyError(error: unknown): unknown {
  if (error instanceof ClusterException)
    return new ReplyError(error.code, error.message, error.response, { cause: error });
  if (error instanceof HttpException) return fromHttp(error);
  if (isRpcException(error)) return fromRpc(error);
  return error;
}

function fromHttp(error: HttpException): unknown {
  const status = error.getStatus();
  if (status >= FIRST_SERVER_ERROR) return error;
  return new ReplyError(HttpStatus[status] ?? `HTTP_${status}`, error.message, error.getResponse(), {
    cause: error,
  });
}

/** Known by its shape: `@nestjs/microservices`, which has the class, need not be installed. */
interface RpcExceptionLike extends Error {
  getError(): unknown;
}

function isRpcException(error: unknown): error is RpcExceptionLike {
  return error instanceof Error && typeof (error as Partial<RpcExceptionLike>).getError === 'function';
}

function fromRpc(error: RpcExceptionLike): ReplyError {
  const told = error.getError();
  const code = typeof told === 'object' && told !== null ? (told as { code?: unknown }).code : undefined;
  return new ReplyError(typeof code === 'string' ? code : 'RPC', error.message, told, { cause: error });
}
