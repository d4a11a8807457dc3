-- Three letters are no time zone any more: AT TIME ZONE takes them as an abbreviation, which means one offset all year (CET),
-- another country (IST, BST) or nothing, where Node.js shows mails by the clock of a place. Whoever has such a name stored gets
-- the place that Node.js means by it, so that their quiet hours are now those of the times in their mails.
UPDATE users u SET time_zone = z.place
FROM (VALUES
  ('ACT', 'Australia/Darwin'), ('AET', 'Australia/Sydney'), ('AGT', 'America/Argentina/Buenos_Aires'),
  ('ART', 'Africa/Cairo'), ('AST', 'America/Anchorage'), ('BET', 'America/Sao_Paulo'), ('BST', 'Asia/Dhaka'),
  ('CAT', 'Africa/Maputo'), ('CET', 'Europe/Brussels'), ('CNT', 'America/St_Johns'), ('CST', 'America/Chicago'),
  ('CTT', 'Asia/Shanghai'), ('EAT', 'Africa/Nairobi'), ('ECT', 'Europe/Paris'), ('EET', 'Europe/Athens'),
  ('EST', 'America/Panama'), ('HST', 'Pacific/Honolulu'), ('IET', 'America/Indiana/Indianapolis'),
  ('IST', 'Asia/Kolkata'), ('JST', 'Asia/Tokyo'), ('MET', 'Europe/Brussels'), ('MIT', 'Pacific/Apia'),
  ('MST', 'America/Phoenix'), ('NET', 'Asia/Yerevan'), ('NST', 'Pacific/Auckland'), ('PLT', 'Asia/Karachi'),
  ('PNT', 'America/Phoenix'), ('PRT', 'America/Puerto_Rico'), ('PST', 'America/Los_Angeles'),
  ('SST', 'Pacific/Guadalcanal'), ('VST', 'Asia/Ho_Chi_Minh'), ('WET', 'Europe/Lisbon')
) AS z (name, place)
WHERE upper(u.time_zone) = z.name;
