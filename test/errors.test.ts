import { describe, it, expect } from '@jest/globals';
import * as errors from '../src/errors.js';

type ErrorClass = new (...args: unknown[]) => errors.ClusterError;

const classes = Object.entries(errors as unknown as Readonly<Record<string, ErrorClass>>).filter(
  ([, exported]) => exported.prototype instanceof errors.ClusterError,
);

const make = (Class: ErrorClass) => new Class('one', ['two'], 'three');

describe('errors', () => {
  it('are there', () => {
    expect(classes.length).toBeGreaterThan(25);
  });

  it('have a stable code each, and no two the same', () => {
    const codes = classes.map(([, Class]) => make(Class).code);
    for (const code of codes) expect(code).toMatch(/^CLUSTER_[A-Z_]+$/);
    expect(new Set(codes).size).toBe(codes.length);
  });

  // Users match on them: a change here is a breaking change.
  it('keep their codes', () => {
    expect(Object.fromEntries(classes.map(([name, Class]) => [name, make(Class).code]))).toMatchObject({
      InvalidOptionError: 'CLUSTER_INVALID_OPTION',
      BindError: 'CLUSTER_BIND',
      JoinRefusedError: 'CLUSTER_JOIN_REFUSED',
      NotDeliveredError: 'CLUSTER_NOT_DELIVERED',
      DeliveryUncertainError: 'CLUSTER_DELIVERY_UNCERTAIN',
      RequestTimeoutError: 'CLUSTER_REQUEST_TIMEOUT',
      ProtocolViolationError: 'CLUSTER_PROTOCOL_VIOLATION',
    });
  });

  it.each(classes)('%s bears its own name and is a ClusterError', (name, Class) => {
    const error = make(Class);
    expect(error.name).toBe(name);
    expect(error).toBeInstanceOf(errors.ClusterError);
    expect(error).toBeInstanceOf(Error);
  });

  it('keep their cause', () => {
    const cause = new Error('EADDRINUSE');
    expect(new errors.BindError('127.0.0.1:1', 'it is in use', { cause }).cause).toBe(cause);
    expect(new errors.NotDeliveredError('no', { cause }).cause).toBe(cause);
  });

  it('about messages that certainly did not arrive can be caught as one', () => {
    for (const Class of [
      errors.NoRouteError,
      errors.NoReceiverError,
      errors.SendQueueFullError,
      errors.UnknownMemberError,
    ]) {
      expect(new Class('no')).toBeInstanceOf(errors.NotDeliveredError);
    }
    expect(new errors.DeliveryUncertainError('perhaps')).not.toBeInstanceOf(errors.NotDeliveredError);
  });

  it('name what was given, short and on one line', () => {
    expect(new errors.InvalidAddressError('evil\nline').message).toContain('"evil?line"');
    expect(new errors.InvalidNodeIdError('x'.repeat(1000)).message.length).toBeLessThan(250);
    expect(errors.clip('\u001b[31mred\u2028')).toBe('?[31mred?');
    expect(errors.clip('user\u202e\u2066txt.exe')).toBe('user??txt.exe');
    expect(errors.clip('fine')).toBe('fine');
  });
});
