import { Injectable, type PipeTransform } from '@nestjs/common';
import type { ClusterMetadata } from 'clusterpack';
import { BadBodyError } from '../api-error.js';

/** Takes a body that is an object; the library checks what is in it. */
@Injectable()
export class MetadataPipe implements PipeTransform<unknown, ClusterMetadata> {
  transform(body: unknown): ClusterMetadata {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new BadBodyError(
        'Send a JSON object, for example {"zone":"a"}, and "Content-Type: application/json"',
      );
    }
    return body as ClusterMetadata;
  }
}
