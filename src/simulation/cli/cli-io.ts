/** Where the command line writes. Results and traces go one way, all that is for people who wait goes the other. */
export interface CliIo {
  /** Standard output. */
  readonly out: (text: string) => void;
  /** Standard error: progress, warnings, mistakes. */
  readonly err: (text: string) => void;
}
