import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { fittingMappings } from '../../csv/header.fit.js';
import type { ProfiledList } from '../../csv/list.reading.js';
import type { MappingDocument } from '../../mapping/mapping.document.js';
import { recogniseList, type RecognitionOptions } from '../../mapping/recognition/recognition.js';
import { Conflict } from '../../problems/errors.js';
import { SealedBox } from '../../secrets/sealed.box.js';
import { Words } from '../../terms/words.service.js';
import type { ImportRecord } from './imports.service.js';
import { Mappings, type StoredMapping } from './mappings.service.js';
import { makeProposal, type ProposalOptions, type ProposalParts } from './proposal.maker.js';
import { Proposal } from './proposal.shape.js';

const purposeOf = (importId: string): string => `import proposal ${importId}`;

/** A recognised list. `fits` is the stored mapping that fits the list without doubt. */
interface RecognisedList extends ProposalParts {
  readonly fits: StoredMapping | undefined;
}

/**
 * Proposes mappings. The proposal of an import is made once, by the gateway that has the file, and is stored encrypted with the import.
 */
@Injectable()
export class Proposals {
  constructor(
    private readonly mappings: Mappings,
    private readonly words: Words,
    private readonly box: SealedBox,
  ) {}

  /** Recognises the columns of a list. `known` are the newest versions of the stored mappings. */
  recognise(
    list: ProfiledList,
    known: readonly StoredMapping[],
    options: RecognitionOptions,
  ): RecognisedList {
    const documents = known.map(({ document }) => document);
    const { draft, ...recognition } = recogniseList(list.profile, documents, options);
    const fits = known.find(
      ({ name, version }) => name === recognition.fits?.name && version === recognition.fits.version,
    );
    return {
      list,
      fits,
      recognition: { ...recognition, ...(draft === undefined ? {} : { draft: asNextVersion(draft, known) }) },
      candidates: fittingMappings(
        list.profile.columns.map(({ header }) => header),
        known,
      ),
    };
  }

  /** Makes the proposal for a recognised list. Each call of `open` opens the file from its start. */
  async propose(
    open: () => Readable,
    recognised: RecognisedList,
    options: Omit<ProposalOptions, 'lookUp'>,
  ): Promise<Proposal> {
    return makeProposal(open, recognised, { ...options, lookUp: await this.words.lookUp() });
  }

  /** Encrypts the proposal of an import. */
  seal(importId: string, proposal: Proposal): Buffer {
    return this.box.seal(purposeOf(importId), Buffer.from(JSON.stringify(proposal)));
  }

  /** The proposal of an import. Throws Conflict when the import does not wait for a mapping. */
  of({ id, proposal, status }: ImportRecord): Proposal {
    if (proposal === null)
      throw new Conflict(
        'import-state-conflict',
        `This import does not wait for a mapping. Its status is ${status}.`,
      );
    return Proposal.parse(JSON.parse(this.box.open(purposeOf(id), proposal).toString()));
  }
}

/** The draft with the next version number of its name. A list with the same columns may have given a mapping before. */
function asNextVersion(draft: MappingDocument, known: readonly StoredMapping[]): MappingDocument {
  const stored = known.find(({ name }) => name === draft.name);
  return { ...draft, version: (stored?.version ?? 0) + 1 };
}
