#include "acquisition/config/frame_tables.hpp"
#include "acquisition/config/tables.hpp"

namespace daq::config {

namespace {

/// Text for a manual page: hyphens as typed, nothing taken for a request.
std::string roff(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else
      safe += c;
  }
  return safe.starts_with('.') || safe.starts_with('\'') ? "\\&" + safe : safe;
}

/// Sentences begin a line each: so that a change of one is a change of one line.
std::string sentences(std::string_view text) {
  std::string lines = roff(text);
  for (std::size_t at = 0; (at = lines.find(". ", at)) != std::string::npos;) {
    const char next = at + 2 < lines.size() ? lines[at + 2] : ' ';
    if (next >= 'A' && next <= 'Z') lines[at + 1] = '\n';
    at += 2;
  }
  return lines;
}

struct Heading {
  std::string_view section;
  std::string_view title;
  std::string_view text;
};

constexpr Heading kHeadings[] = {
    {"", "Top of the file",
     "survey and station hold any MTH5 attribute of them by its own name, in one word (location.latitude: 40.5) or nested; their "
     "id must "
     "be there. A station without latitude and longitude takes them from the instrument's GPS. sources is a list."},
    {"output", "output", "The files."},
    {"output.roll", "output.roll", "When a new file begins, beside each start and each signal HUP."},
    {"flush", "flush", "When samples are visible to readers."},
    {"sync", "sync", "When samples are durable."},
    {"gap", "gap",
     "Which samples follow one another. May stand in a source too, and holds there instead of the common one, key by key."},
    {"clock", "clock", "What times are worth. May stand in a source too, like gap."},
    {"sources[]", "sources",
     "One or more instruments. Each has one input (serial, tcp, udp, seedlink or file) and an instrument: the name of a profile, "
     "the path "
     "of "
     "one as seen from this file (./board.yaml), or a map as in "
     "one. run "
     "is the pattern of run names, by default sr{rate}_{index:04}: letters, digits and _, 20 at most, with {rate}, {index:04}, "
     "{station} "
     "and {start:FORM}. station in a source, a map as at the top ({id: MT002}), takes the place of the common one. channels "
     "holds what differs from the profile: for "
     "each "
     "channel a map of MTH5 attributes, or the word skip, which leaves the channel out of the file."},
    {"sources[].reconnect", "sources: reconnect", "An input that is gone is tried again for ever."},
    {"sources[].commands", "sources: commands",
     "What is sent to the instrument, over a serial line or a socket. May stand in a profile too; a source's own go over those "
     "of the "
     "profile, key by key. start is a list of what is sent, one after the other, each time a connection has been made. every is "
     "a list "
     "of what is sent again and again after that. The page /usr/share/doc/mth5\\-daq/commands.md tells more."},
    {"sources[].commands.start[]", "sources: commands: start", "Items of the list."},
    {"sources[].commands.every[]", "sources: commands: every", "Items of the list."},
    {"sources[].serial", "sources: serial", "A serial port. No two sources may have the same one."},
    {"sources[].tcp", "sources: tcp", "A connection that mth5d opens (host and port), or that the instrument opens (listen)."},
    {"sources[].seedlink", "sources: seedlink",
     "A connection to a SeedLink server, for an instrument with miniseed. The first one ever asks for what is new; later it goes "
     "on where the file ends, as far back as the server has data."},
    {"sources[].http", "sources: http",
     "A box that serves the files it is writing, by HTTP or WebDAV: .atss of Metronix, for an instrument that reads its blocks, "
     "such as metronix\\-adu. They are read as they grow. The page /usr/share/doc/mth5\\-daq/atss.md tells more."},
    {"sources[].udp", "sources: udp",
     "Datagrams that come to this computer, unicast or multicast. A group and listen are of one kind, IPv4 or IPv6."},
    {"sources[].file", "sources: file", "A recording, standard input, or files that grow."},
    {"profile", "Profiles",
     "instruments/NAME.yaml beside the configuration, or in one of the folders that mth5d(8) names. A profile has one decoder "
     "(text, frame, datacast or miniseed), "
     "channels, and if it likes state_of_health and run (any MTH5 attribute of a run). mth5d \\-\\-try NAME FILE shows what it "
     "makes of a "
     "recording."},
    {"profile.text", "Profiles: text",
     "Lines of text. columns is the list of the fields of a line, in order; /usr/share/mth5\\-daq/instruments/lemi424.yaml says "
     "what each may "
     "be."},
    {"profile.frame", "Profiles: frame",
     "Binary frames. Beside these keys match, length_field, check, counter, time, locked, samples and fields, each described "
     "below. "
     "others is a list of further kinds of frame on the same line, such as answers, with the same keys; those without samples "
     "are "
     "taken as they are, and what their fields say goes with the next samples. "
     "/usr/share/mth5\\-daq/instruments/mth5\\-frame.yaml is an "
     "example."},
    {"profile.frame.match[]", "Profiles: frame: match",
     "A list of numbers that must have one value, to tell kinds of frame apart."},
    {"profile.frame.length_field", "Profiles: frame: length_field", "The number in the frame that says how long it is."},
    {"profile.frame.check", "Profiles: frame: check", "Its checksum or CRC."},
    {"profile.frame.counter", "Profiles: frame: counter", "What shows lost frames."},
    {"profile.frame.time", "Profiles: frame: time", "Its time. Without one samples have the time at which they arrive."},
    {"profile.frame.time.ticks", "Profiles: frame: time: ticks", "A second number that counts within the unit of the first."},
    {"profile.frame.locked", "Profiles: frame: locked", "By whose clock the time is."},
    {"profile.frame.samples", "Profiles: frame: samples",
     "Where the samples stand: a map, or a list of them where channels differ in type or place. channels is the list of their "
     "channels in order, with skip for what is not kept."},
    {"profile.frame.fields[]", "Profiles: frame: fields", "A list: where the quantities of state_of_health stand."},
    {"profile.datacast", "Profiles: datacast",
     "Packets of one channel each, as Raspberry Shakes send them. codes is a map of what each channel is called in them; "
     "/usr/share/mth5\\-daq/instruments/rs4d.yaml is an example. The page /usr/share/doc/mth5\\-daq/datacast.md tells more."},
    {"profile.miniseed", "Profiles: miniseed",
     "Records of miniSEED 2. codes is a map of what each channel is called in them: CHA, LOC.CHA or NET.STA.LOC.CHA, with ? for "
     "any character. Of state_of_health it can have timing_quality. /usr/share/mth5\\-daq/instruments/miniseed\\-mt.yaml is an "
     "example. "
     "The page /usr/share/doc/mth5\\-daq/miniseed.md tells more."},
    {"profile.channels.NAME", "Profiles: channels",
     "What is stored sample by sample; NAME is the instrument's own word. Beside these keys any MTH5 attribute of such a "
     "channel: units, "
     "which must be there, component (default: NAME), sensor.model."},
    {"profile.text.answers[]", "Profiles: text: answers",
     "A list of comments that say one quantity of state_of_health until they say another: answers to commands."},
    {"profile.channels.NAME.filters[]", "Profiles: channels: filters",
     "A list: the stages between the field and the samples, nearest to the field first, of which nothing has been taken out of "
     "the "
     "samples. They become filters of the survey, by which Python makes physical units of the samples. A site may give its own. "
     "Beside these keys table ([[frequency, amplitude, phase], ...], of a fap instead of a file), poles and zeros (of a zpk: "
     "numbers "
     "or [real, imaginary], in radians per second). The page /usr/share/doc/mth5\\-daq/filters.md tells more."},
    {"profile.channels.NAME.noise", "Profiles: channels: noise",
     "The noise of the sensor, against which a spectrum is to be seen, in two lists of one number or more. Kept in the file. A "
     "site may "
     "give its own."},
    {"profile.state_of_health.NAME", "Profiles: state_of_health",
     "Quantities for status and reports, one for each column or field {soh: NAME}."},
    {"profile.simulate", "Profiles: simulate",
     "What mth5-sim answers in place of the instrument. answers is a list, of which the first that fits holds; commands of the "
     "profile that are not in it are answered by the answer that is waited for."},
    {"profile.simulate.answers[]", "Profiles: simulate: answers", "Items of the list."},
};

}  // namespace

std::vector<KeyText> all_keys() {
  std::vector<KeyText> all;
  top_keys().describe(all);
  output_keys().describe(all);
  roll_keys().describe(all);
  flush_keys().describe(all);
  sync_keys().describe(all);
  gap_keys().describe(all);
  clock_keys().describe(all);
  source_keys().describe(all);
  reconnect_keys().describe(all);
  commands_keys().describe(all);
  start_command_keys().describe(all);
  periodic_command_keys().describe(all);
  serial_keys().describe(all);
  tcp_keys().describe(all);
  tcp_listen_keys().describe(all);
  udp_keys().describe(all);
  seedlink_keys().describe(all);
  http_keys().describe(all);
  file_keys().describe(all);
  gpsd_keys().describe(all);
  chrony_keys().describe(all);
  profile_keys().describe(all);
  text_keys().describe(all);
  text_answer_keys().describe(all);
  describe_frame_keys(all);
  datacast_keys().describe(all);
  miniseed_keys().describe(all);
  channel_keys().describe(all);
  sensor_keys().describe(all);
  noise_keys().describe(all);
  filter_keys().describe(all);
  soh_keys().describe(all);
  simulate_keys().describe(all);
  simulated_answer_keys().describe(all);
  return all;
}

std::string manual_page() {
  std::string page =
      ".\\\" Made from the tables of apps/acquisition/config: mth5d --print-manual. Not to be changed by hand.\n"
      ".TH MTH5D.YAML 5 \"@MTH5_DATE@\" \"mth5-daq @PROJECT_VERSION@\" \"File formats\"\n"
      ".SH NAME\nmth5d.yaml \\- what mth5d records, from where and into which files\n"
      ".SH DESCRIPTION\nThe configuration of\n.BR mth5d (8)\nis a file in YAML; its sample is\n.IR config/mth5d.yaml .\n"
      "The least that runs:\n.PP\n.nf\n.RS\n"
      "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: /var/lib/mth5d}\nsources:\n  \\- name: lemi\n"
      "    serial: {device: /dev/ttyUSB0}\n    instrument: lemi424\n.RE\n.fi\n.PP\n"
      "A time is a number with one of the units ns, us, ms, s, min, h, d; a size one with B, KiB, MiB, GiB, TiB.\n"
      "Unknown and repeated keys, wrong types and values out of range are errors; all of them are reported at once.\n"
      ".SH KEYS\n";
  const auto keys = all_keys();
  for (const auto& heading : kHeadings) {
    const std::string text{heading.text};
    page += ".SS \"" + roff(heading.title) + "\"\n" + (text.find("\\-") == std::string::npos ? sentences(text) : text) + "\n";
    for (const auto& key : keys) {
      if (key.section != heading.section) continue;
      page += ".TP\n.B " + roff(key.name) + "\n" + sentences(key.meaning) + "\n";
      const std::string facts = "A " + std::string{key.type} + (key.limits.empty() ? "" : ": " + roff(key.limits));
      page += facts +
              (key.required           ? "; required"
               : key.fallback.empty() ? ""
                                      : "; default " + roff(key.fallback)) +
              (key.live ? "; may change while it records.\n" : ".\n");
    }
  }
  page +=
      ".SH CHANGES WHILE IT RECORDS\nWith the signal HUP\n.RB ( \"systemctl reload mth5d\" )\n"
      "mth5d reads the file again, and the next file begins. Keys that say so above, and the "
      "attributes of "
      "survey, stations and channels with their filters, hold from that file on; of all others the log says that mth5d must be "
      "started again for them. Of a file with errors nothing is taken; the log names them, and recording goes on.\n";
  return page + ".SH SEE ALSO\n.BR mth5d (8)\n";
}

}  // namespace daq::config
