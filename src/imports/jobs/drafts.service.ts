import { Injectable } from '@nestjs/common';
import { FileRefused } from '../../csv/csv.refusal.js';
import { namesOf } from '../../csv/header.fit.js';
import { profileRows, readTableShape } from '../../csv/list.reading.js';
import { Slots } from '../../limits/slots.js';
import { ISSUE_CODES } from '../../mapping/issue.codes.js';
import type { RecognitionOptions } from '../../mapping/recognition/recognition.js';
import { BadField } from '../../problems/errors.js';
import { Mappings } from './mappings.service.js';
import type { ProposalOptions } from './proposal.maker.js';
import type { Proposal } from './proposal.shape.js';
import { Proposals } from './proposals.service.js';
import { StagedFiles } from './staged.files.js';

/** The maximum number of rows that are read for a draft. */
const MOST_ROWS = 20_000;
/** Reading a list needs a processor, so only one list is read at a time. */
const MOST_WAITING = 4;

/** Drafts mappings for lists that are not imported. */
@Injectable()
export class Drafts {
  private readonly slots = new Slots({ places: 1, queue: MOST_WAITING });

  constructor(
    private readonly files: StagedFiles,
    private readonly mappings: Mappings,
    private readonly proposals: Proposals,
  ) {}

  /**
   * Reads the first 20,000 rows of the file `id`, proposes a mapping, and deletes the file. Throws BadField for a file that cannot be read,
   * and TooMany when too many lists wait.
   */
  async make(id: string, said: RecognitionOptions & Omit<ProposalOptions, 'lookUp'>): Promise<Proposal> {
    try {
      return await this.slots.run(() => this.read(id, said));
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      throw unreadable(error);
    } finally {
      await this.files.remove(id);
    }
  }

  private async read(
    id: string,
    { language, country, ...options }: RecognitionOptions & Omit<ProposalOptions, 'lookUp'>,
  ): Promise<Proposal> {
    const open = () => this.files.open(id);
    const known = await this.mappings.newest();
    const shape = await readTableShape(open, { ...options, known: namesOf(known) });
    const list = await profileRows(open, shape, { most: MOST_ROWS });
    const today = new Date().toISOString().slice(0, 10);
    const recognised = this.proposals.recognise(list, known, { language, country, today });
    return this.proposals.propose(open, recognised, options);
  }
}

function unreadable({ code, columns }: FileRefused): BadField {
  const { message = '', suggestion = '' } = ISSUE_CODES.get(code) ?? {};
  const about = columns.length === 0 ? '' : ` Columns: ${columns.join(', ')}.`;
  return new BadField('unreadable-list', 'file', `${message}${about} ${suggestion} (${code})`);
}
