import { BEGINNING_BYTES } from './part10.ts';
import type { UploadSource } from './upload.types.ts';

/** A source for a file of the computer. The handle of the file is kept, and not its bytes. */
export function fileSource(file: File, name = file.name): UploadSource {
  return {
    name,
    size: file.size,
    beginning: async () => new Uint8Array(await file.slice(0, BEGINNING_BYTES).arrayBuffer()),
    // A file that has changed or is gone is noticed here, and not as an error of the network.
    blob: async () => {
      await file.slice(0, 1).arrayBuffer();
      return file;
    },
  };
}

/** Whether a file is a ZIP archive, by its name. */
export function isZip({ name }: { name: string }): boolean {
  return /\.zip$/i.test(name);
}

/** A chosen file with its path below the chosen folder. */
export interface ChosenFile {
  readonly file: File;
  readonly path: string;
}

/** The files of an input element. */
export function chosenFiles(files: FileList | null): ChosenFile[] {
  return Array.from(files ?? [], (file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The files that were dropped on the page, also those in folders. It must be called while the event is handled. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<ChosenFile[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return chosenFiles(files);
  const found: ChosenFile[] = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

// Browsers do not have these interfaces as constructors, so `instanceof` is not possible.
function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

async function collect(entry: FileSystemEntry, found: ChosenFile[]): Promise<void> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, '') });
  } else if (isFolder(entry)) {
    const reader = entry.createReader();
    // A call returns at most a hundred entries. The last call returns none.
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      );
      if (some.length === 0) return;
      for (const one of some) await collect(one, found);
    }
  }
}
