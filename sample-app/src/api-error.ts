import { HttpException } from '@nestjs/common';

/** An answer `{code, message}` with a status, thrown by controllers. */
export class ApiError extends HttpException {
  constructor(
    status: number,
    readonly code: string,
    message: string,
  ) {
    super({ code, message }, status);
  }
}

/** The body is not what the endpoint takes. */
export class BadBodyError extends ApiError {
  constructor(message: string, code = 'BAD_BODY') {
    super(400, code, message);
  }
}
