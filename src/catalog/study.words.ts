import { type SQL, sql } from 'drizzle-orm';
import { fold } from './folding.js';

/** Maximum number of words of one search. */
const MAX_WORDS = 8;

/**
 * Returns one condition for each word of a text. A study matches a word if the patient's name or the description contains it, or if the
 * PatientID or the accession number begins with it. Case and accents are ignored. Each source of a match has its own index, so the matching
 * studies are found one source at a time.
 */
export function matchesWords(text: string): SQL[] {
  const words = fold(text)
    .split(/[\s^,=]+/)
    .filter((word) => word !== '')
    .slice(0, MAX_WORDS);
  return words.map((word) => {
    const literal = word.replace(/[\\%_]/g, String.raw`\$&`);
    const [part, start] = [`%${literal}%`, `${literal}%`];
    return sql`studies.id in (
      select id from studies where patient_name_key like ${part}
      union select id from studies where study_description_key like ${part}
      union select id from studies where accession_number <> '' and lower(accession_number) like ${start}
      union select of_patient.id from patients join studies of_patient on of_patient.patient = patients.id
        where lower(patients.patient_id) like ${start})`;
  });
}
