/** What mails say around the messages, in one language. `names` are as the people gave them: escape them for HTML. */
export interface MailTexts {
  readonly language: string;
  readonly newMessages: (count: number, names: string) => string;
  readonly news: (count: number) => string;
  /** Messages of people, and news of the platform beside them. */
  readonly withNews: (messages: string) => string;
  readonly intro: (count: number) => string;
  readonly earlier: (count: number) => string;
  readonly open: string;
  readonly platform: string;
  readonly somebody: Readonly<Record<'TOURIST' | 'GUIDE' | 'MEMBER' | 'SUPPORT' | 'GONE', string>>;
  readonly image: string;
  readonly file: string;
  readonly location: (label: string | null) => string;
  readonly footer: string;
  readonly unsubscribe: string;
  readonly confirm: string;
  readonly confirmButton: string;
  readonly done: string;
  readonly invalid: string;
}

const EN: MailTexts = {
  language: 'en',
  newMessages: (count, names) =>
    count === 1 ? `New message from ${names}` : `${count} new messages from ${names}`,
  news: (count) =>
    count === 1 ? 'News in your conversation' : `${count} news in your conversation`,
  withNews: (messages) => `${messages}, and news`,
  intro: (count) =>
    count === 1 ? 'You have an unread message:' : `You have ${count} unread messages:`,
  earlier: (count) =>
    count === 1 ? '… and one earlier message' : `… and ${count} earlier messages`,
  open: 'Open the conversation',
  platform: 'Information',
  somebody: {
    TOURIST: 'Your guest',
    GUIDE: 'Your guide',
    MEMBER: 'A travel companion',
    SUPPORT: 'Support',
    GONE: 'Somebody',
  },
  image: '[Picture]',
  file: '[File]',
  location: (label) => (label === null ? '[Location]' : `[Location: ${label}]`),
  footer: 'You get this mail because these messages were still unread.',
  unsubscribe: 'No more mails like this',
  confirm: 'Do you want no more mails about unread messages?',
  confirmButton: 'No more mails',
  done: 'Done: you will get no more mails about unread messages. You can change this in your settings.',
  invalid: 'This link is not valid.',
};

const ES: MailTexts = {
  language: 'es',
  newMessages: (count, names) =>
    count === 1 ? `Nuevo mensaje de ${names}` : `${count} mensajes nuevos de ${names}`,
  news: (count) =>
    count === 1 ? 'Novedades en tu conversación' : `${count} novedades en tu conversación`,
  withNews: (messages) => `${messages}, y novedades`,
  intro: (count) =>
    count === 1 ? 'Tienes un mensaje sin leer:' : `Tienes ${count} mensajes sin leer:`,
  earlier: (count) =>
    count === 1 ? '… y un mensaje anterior' : `… y ${count} mensajes anteriores`,
  open: 'Abrir la conversación',
  platform: 'Información',
  somebody: {
    TOURIST: 'Tu huésped',
    GUIDE: 'Tu guía',
    MEMBER: 'Un acompañante',
    SUPPORT: 'Asistencia',
    GONE: 'Alguien',
  },
  image: '[Imagen]',
  file: '[Archivo]',
  location: (label) => (label === null ? '[Ubicación]' : `[Ubicación: ${label}]`),
  footer: 'Recibes este correo porque estos mensajes seguían sin leer.',
  unsubscribe: 'No quiero más correos como este',
  confirm: '¿No quieres recibir más correos sobre mensajes sin leer?',
  confirmButton: 'No quiero más correos',
  done: 'Hecho: no recibirás más correos sobre mensajes sin leer. Puedes cambiarlo en tus ajustes.',
  invalid: 'Este enlace no es válido.',
};

/** @param languages BCP 47 tags in the order of preference; English where none of them is spoken here */
export function textsFor(languages: readonly string[]): MailTexts {
  for (const tag of languages) {
    const language = tag.toLowerCase().split('-')[0];
    if (language === 'es') return ES;
    if (language === 'en') return EN;
  }
  return EN;
}
