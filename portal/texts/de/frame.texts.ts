import type { frameEn as english } from '../en/frame.texts.ts';
import type { ShapeOf } from '../en/en.ts';

export const frameDe: ShapeOf<typeof english> = {
  menu: { studies: 'Studien', images: 'Meine Bilder', looked: 'Wer sie gesehen hat', profile: 'Profil' },
  frame: {
    menu: 'Menü',
    skip: 'Zum Inhalt springen',
    collapse: 'Nur Symbole zeigen',
    expand: 'Namen im Menü zeigen',
    search: 'Name, ID, Auftragsnummer oder Beschreibung',
    nothingTitle: 'Hier ist nichts',
    nothing: 'Diese Seite gibt es nicht, oder Ihr Konto hat keinen Zugriff darauf.',
    start: 'Zur Startseite',
  },
  account: {
    language: 'Sprache',
    look: 'Darstellung',
    schemes: { auto: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
    signOut: 'Abmelden',
    signOutFailed: 'Der Server hat nicht geantwortet. Sie sind noch angemeldet.',
  },
  session: {
    soonTitle: 'Ihre Sitzung endet bald',
    soon: 'Sie haben Radgate eine Weile nicht benutzt. Ihre Sitzung endet in {{minutes}}:{{seconds}}.',
    stay: 'Angemeldet bleiben',
    endedTitle: 'Ihre Sitzung ist beendet',
    ended: 'Melden Sie sich als {{name}} wieder an. Die Seite bleibt, wie sie ist.',
    password: 'Passwort',
    again: 'Anmelden',
    other: 'Als jemand anderes anmelden',
    outcomes: {
      wrong: 'Das Passwort ist falsch.',
      'too-many': 'Zu viele Versuche. Warten Sie eine Minute und versuchen Sie es noch einmal.',
      away: 'Der Server antwortet nicht. Versuchen Sie es gleich noch einmal.',
      refused: 'Der Server hat die Anmeldung abgelehnt. Laden Sie die Seite neu.',
    },
  },
  problems: {
    page: 'Diese Seite konnte nicht gezeigt werden. Versuchen Sie es noch einmal.',
    refused: 'Der Server hat die Anfrage abgelehnt ({{status}}).',
    request: 'Anfrage',
    again: 'Noch einmal versuchen',
    codes: {
      'no-answer': 'Der Server antwortet nicht. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.',
      'service-unavailable': 'Der Server kann gerade nicht antworten. Versuchen Sie es gleich noch einmal.',
      'internal-error':
        'Im Server ist ein Fehler aufgetreten. Nennen Sie dem Betreiber die Nummer der Anfrage.',
      'not-authenticated': 'Ihre Sitzung ist beendet. Melden Sie sich wieder an.',
      'right-missing': 'Ihr Konto hat nicht das Recht dazu.',
      'not-found': 'Das gibt es nicht, oder Ihr Konto hat keinen Zugriff darauf.',
      'too-many-requests': 'Zu viele Anfragen. Warten Sie einen Moment und versuchen Sie es noch einmal.',
    },
  },
  profile: { groups: 'Gruppen: {{groups}}', interface: 'Dokumentation der Schnittstelle für Programme' },
  password: {
    title: 'Passwort ändern',
    current: 'Bisheriges Passwort',
    currentMissing: 'Geben Sie Ihr bisheriges Passwort ein.',
    next: 'Neues Passwort',
    rules:
      'Mindestens {{count}} Zeichen. Mehrere Wörter merkt man sich leicht. Häufige Passwörter werden abgelehnt.',
    short: 'Nehmen Sie mindestens {{count}} Zeichen.',
    change: 'Passwort ändern',
    done: 'Das Passwort ist geändert. Ihre anderen Anmeldungen sind beendet.',
  },
  sessions: {
    title: 'Wo Sie angemeldet sind',
    program: 'Ein Programm',
    browser: 'Ein Browser',
    used: 'zuletzt benutzt: {{when}}',
    this: 'Dieser Browser',
    end: 'Dort abmelden',
    endOthers_one: '{{count}} andere Anmeldung beenden',
    endOthers_other: 'Alle {{count}} anderen Anmeldungen beenden',
  },
};
