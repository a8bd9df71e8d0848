#include "acquisition/config/tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace daq::config {

namespace {

using namespace std::chrono_literals;
constexpr std::chrono::hours kDay{24};
constexpr std::int64_t kMiB = std::int64_t{1} << 20;
// An empty file takes 1.3 MB: with less in reserve a new one would be closed at once, as the disk is full, and with less as the
// size of a roll one would follow the other.
constexpr std::int64_t kLeastFile = 2 * kMiB;

std::string check_anything(std::string_view) { return ""; }

/// A pattern of file names has to give good and different names.
std::string check_file_name(std::string_view pattern) {
  const auto name = expand(pattern, {"survey", "station", {}, 1, 1});
  if (!name.problem.empty()) return in_quotes(pattern) + ": " + name.problem;
  if (pattern.find("{start:") == std::string_view::npos)
    return in_quotes(pattern) + " gives every file the same name; add {start:%Y%m%dT%H%M%SZ}";
  if (!name.text.ends_with(".h5") && !name.text.ends_with(".mth5")) return in_quotes(pattern) + " must end in .h5 (or .mth5)";
  if (name.text.find('/') != std::string::npos) return in_quotes(pattern) + " holds a '/'; the folder is output.directory";
  if (name.text.front() == '.') return in_quotes(pattern) + " gives a hidden file: it begins with a dot";
  if (name.text.size() > 150)
    return in_quotes(pattern) + " gives a name of " + std::to_string(name.text.size()) + " bytes (at most 150)";
  return "";
}

std::string check_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto good = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 30 && letter(text[0]) && std::all_of(text.begin(), text.end(), good)
             ? ""
             : in_quotes(text) + " must be a letter and then letters, digits, _ and -, 30 at most";
}

bool may_begin_number(char c) { return std::string_view{"+-.0123456789"}.find(c) != std::string_view::npos; }

/// "blanks", or one printable ASCII character that no number holds.
std::string check_delimiter(std::string_view text) {
  if (text == "blanks" || text == "tab") return "";
  if (text.size() == 1 && text[0] > ' ' && text[0] < '\x7f' &&
      std::string_view{"+-.0123456789eE"}.find(text[0]) == std::string_view::npos)
    return "";
  return in_quotes(text) + " is not blanks, tab or one character such as ','";
}

/// Of a filter: what Python finds again. Shorter than a file allows: what its length or contents are may be put behind it.
std::string check_filter_name(std::string_view text) {
  constexpr std::size_t kMost = 60;
  if (const auto wrong = mth5::check_id(mth5::Kind::Coefficient, text)) return in_quotes(text) + " " + *wrong;
  return text.size() <= kMost ? "" : in_quotes(text) + " has " + std::to_string(text.size()) + " characters (60 at most)";
}

/// Of a list, which is bounded; empty: absent, or wrong and reported.
std::vector<double> take_numbers(MapReader& map, std::string_view key, double least, std::string_view unit,
                                 MapReader::Need need = MapReader::Need::Optional) {
  constexpr std::size_t kMost = 1000;
  const Node* list = map.take(key, Node::Kind::Sequence, need);
  if (list == nullptr) return {};
  std::vector<double> numbers;
  for (const auto& item : list->items) {
    const auto number = item.kind == Node::Kind::Scalar && !item.quoted ? parse_number(item.text) : std::nullopt;
    if (!number || *number < least || *number > 1e300) {
      map.problem(item, key,
                  in_quotes(item.text) + " is not a number" + (least > 0 ? " above 0 (" : " (") + std::string{unit} + ")");
      return {};
    }
    numbers.push_back(*number);
  }
  if (numbers.empty() || numbers.size() > kMost) {
    map.problem(*list, key, "has " + std::to_string(numbers.size()) + " numbers (1 to " + std::to_string(kMost) + ")");
    return {};
  }
  return numbers;
}

std::string check_gain(std::string_view text) {
  if (text == "dipole_length") return "";
  const auto value = parse_number(text);
  return value && *value != 0 ? "" : in_quotes(text) + " is not a number other than 0, or dipole_length";
}

std::string check_comment(std::string_view text) {
  if (text == "none") return "";
  if (text.size() != 1 || text[0] <= ' ' || text[0] >= '\x7f') return in_quotes(text) + " is not one character such as ';'";
  return may_begin_number(text[0]) ? in_quotes(text) + " begins numbers; lines that hold data would be passed over" : "";
}

/// "0.5 samples"
std::optional<double> samples(std::string_view text) {
  constexpr std::string_view kWord = " samples";
  if (!text.ends_with(kWord)) return std::nullopt;
  return parse_number(text.substr(0, text.size() - kWord.size()));
}

std::string check_tolerance(std::string_view text) {
  const auto value = samples(text);
  if (!value) return in_quotes(text) + " is not a number of samples, e.g. 0.5 samples";
  if (*value > 0 && *value <= 0.5) return "";
  return out_of_range(in_quotes(text), "above 0", "0.5", "samples") + ": above half a sample, neighbours cannot be told apart";
}

std::string check_reanchor(std::string_view text) {
  if (text == "never") return "";
  if (const auto value = samples(text))
    return *value >= 0.01 && *value <= 1e6 ? "" : out_of_range(in_quotes(text), "0.01", "1000000", "samples");
  const auto time = parse_duration(text);
  if (!time) return in_quotes(text) + " is not never, a duration or a number of samples, e.g. 10ms, 0.5 samples";
  return *time >= 1us && *time <= 1h ? "" : out_of_range(in_quotes(text), "1us", "1h", "");
}

std::string check_date(std::string_view text) { return check_time(text, "2020-01-01"); }

std::string shown_reanchor(const Clock& clock) {
  if (clock.reanchor_samples > 0) return format_number(clock.reanchor_samples) + " samples";
  return clock.reanchor_after > 0s ? format_duration(clock.reanchor_after) : "never";
}

/// "00:00Z"
std::optional<std::chrono::minutes> time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 1000; };
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hours = 10 * digit(0) + digit(1), minutes = 10 * digit(3) + digit(4);
  if (hours > 23 || minutes > 59) return std::nullopt;
  return std::chrono::minutes{60 * hours + minutes};
}

std::string check_at(std::string_view text) {
  return time_of_day(text) ? "" : in_quotes(text) + " is not a time of day in UTC, in quotes, e.g. \"00:00Z\"";
}

std::string shown_at(const Output& output) {
  const auto two = [](long n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return two(output.roll_at.count() / 60) + ":" + two(output.roll_at.count() % 60) + "Z";
}

/// A value that is 0 where the file says never.
template <class T, class Value, class Parse, class Format>
Key<T> key_or_never(std::string_view name, std::string_view type, Value T::*at, Value low, Value high, Parse parse, Format format,
                    std::string_view example, std::string_view meaning) {
  const auto check = [=](std::string_view text) -> std::string {
    if (text == "never") return "";
    const auto value = parse(text);
    if (!value) return in_quotes(text) + " is not never or " + std::string{example};
    return *value >= low && *value <= high ? "" : out_of_range(in_quotes(text), format(low), format(high), "");
  };
  const auto shown = [=](const T& t) { return t.*at == Value{} ? std::string{"never"} : format(t.*at); };
  return {name,
          type,
          "never, or " + format(low) + " to " + format(high),
          meaning,
          false,
          [=](MapReader& map, T& t) {
            const auto text = map.text(name, shown(t), check);
            if (check(text).empty()) t.*at = Value{parse(text).value_or(Value{})};
          },
          shown};
}

template <class T>
Key<T> command_key(std::string_view name, CommandBytes T::*at, const Check& check, std::string_view meaning, bool required) {
  return {name,
          "text",
          "",
          meaning,
          required,
          [=](MapReader& map, T& t) {
            const auto text = required || map.map().find(name) != nullptr ? map.require_text(name, check) : std::string{};
            if (!text.empty()) t.*at = CommandBytes{text};
          },
          [=](const T& t) { return (t.*at).text(); }};
}

}  // namespace

const Section<Config>& top_keys() {
  static const Section<Config> keys{
      "",
      {
          time_key("ring", &Config::ring, 1s, kDay, "How long a stalled disk is ridden out, in memory."),
          {"chunk", "whole number", "1 to 16777216 samples, or auto", "Samples per HDF5 chunk; auto chooses by the sample rate.",
           false,
           [](MapReader& map, Config& config) {
             if (!is_word(map, "chunk", "auto", "auto"))
               config.chunk = std::size_t(map.whole("chunk", 0, 1, 1 << 24, "samples, or auto"));
           },
           [](const Config& config) { return config.chunk == 0 ? std::string{"auto"} : std::to_string(config.chunk); }},
      }};
  return keys;
}

const Section<Config>& flush_keys() {
  static const Section<Config> keys{
      "flush",
      {
          live<&Config::flush_samples>(whole_key("samples", &Config::flush_samples, 1, 1'000'000'000, "samples",
                                                 "Readers of the live file see new samples after so many of each channel, or "
                                                 "after the interval, whichever comes "
                                                 "first. Less is seen sooner, and more work for the disk. The number alone does "
                                                 "it ten times a second at the most.")),
          live<&Config::flush_interval>(time_key("interval", &Config::flush_interval, 10ms, 1h, "The same as a time.")),
      }};
  return keys;
}

const Section<Config>& sync_keys() {
  static const Section<Config> keys{
      "sync",
      {live<&Config::sync_interval>(time_key(
          "interval", &Config::sync_interval, 100ms, kDay,
          "How often samples are put onto the disk for good: what a power cut may cost at most. Less wears out SD cards."))}};
  return keys;
}

const Section<Output>& output_keys() {
  static const Section<Output> keys{
      "output",
      {
          text_key("directory", &Output::directory, "a folder that is there", check_not_empty,
                   "Where the files are made: on a local disk, because on a "
                   "network file system a reader could see torn data. A "
                   "relative path begins in the directory in which mth5d is started.",
                   true),
          text_key("file_name", &Output::file_name, "a pattern with {start:FORM} that ends in .h5", check_file_name,
                   "Names of files: {station}, {survey} and {start:FORM} with FORM as for date(1): %Y %m %d %j %H %M %S %F %T. "
                   "Down to "
                   "the second, else a second file of the same minute or day could not be made."),
          choice_key("file_version", &Output::file_version, {"0.2.0", "0.1.0"},
                     "Version of MTH5: 0.2.0 (several surveys) or 0.1.0 (for older programs)."),
          flag_key("allow_network", &Output::allow_network, "Record on NFS, CIFS or FUSE all the same."),
          choice_key(
              "mount", &Output::mount, {"any", "required"},
              "required: nothing is recorded while no disk is mounted at the directory or above it; else a disk that was not "
              "mounted in time, or was left at home, means that the card of the system is filled. Memory (tmpfs, ramfs) and "
              "overlayfs are no disk."),
          size_key(
              "reserve", &Output::reserve, kLeastFile, std::int64_t{1} << 40,
              "Space that is kept so that closing a file always succeeds: so much is held by a hidden file of its own, and when "
              "less than the same again is free, the file is closed in order; samples wait in the ring, and a new file begins "
              "when space returns. An empty file takes 1.3 MB of it."),
          live<&Output::give_up_after>(time_key("give_up_after", &Output::give_up_after, 0s, kDay,
                                                "On a disk that fails, not one that is full, new files are tried for so long; "
                                                "then mth5d ends with exit code 1.")),
          live<&Output::finalize>(choice_key(
              "finalize", &Output::finalize,
              {"never", "gzip-1", "gzip-2", "gzip-3", "gzip-4", "gzip-5", "gzip-6", "gzip-7", "gzip-8", "gzip-9"},
              "Files that are closed are compressed into archive/ beside them, each with a manifest, by mth5d --finalize, which "
              "mth5-finalize@.timer starts. gzip-4 is a good one.")),
          live<&Output::finalize_wait_below>(key_or_never(
              "finalize_wait_below", "voltage", &Output::finalize_wait_below, 1.0, 1000.0, parse_volts, format_volts,
              "a voltage, e.g. 11.8V",
              "While the battery of an instrument of this recording, which is running, has less, nothing is archived and "
              "nothing removed: compressing can wait until it is charged.")),
          live<&Output::retention>(key_or_never(
              "retention", "time", &Output::retention, std::chrono::nanoseconds{1h}, std::chrono::nanoseconds{3660 * kDay},
              parse_duration, format_duration, "a duration, e.g. 30d",
              "A file of this survey and station that was archived is removed, by mth5d --finalize, when its newest sample is so "
              "old and its archive is as its manifest tells and holds every sample of it; none while the clock of the computer "
              "is "
              "behind the sample. The archive stays, and the newest file, whatever its age: from it mth5d knows, when it starts, "
              "what it recorded last.")),
          live<&Output::retention_below>(key_or_never(
              "retention_below", "size", &Output::retention_below, kMiB, std::int64_t{1} << 50, parse_bytes, format_bytes,
              "a size, e.g. 20GiB",
              "Of retention: files are removed only while less than this is free, the oldest first; never: whatever is free.")),
      }};
  return keys;
}

const Section<Output>& roll_keys() {
  static const Section<Output> keys{
      "output.roll",
      {live<&Output::roll_every>(key_or_never(
           "every", "time", &Output::roll_every, std::chrono::nanoseconds{1min}, std::chrono::nanoseconds{366 * kDay},
           parse_duration, format_duration, "a duration, e.g. 1d",
           "By the time of the samples, never by the clock of the computer: the first one at or behind each mark begins the "
           "next file. Streams that come in time are waited for, a minute at most and no longer than sync.interval, so that each "
           "begins at the mark. Marks are counted from `at` on 1970-01-01, a Thursday.")),
       live<&Output::roll_at>(Key<Output>{"at", "time of day", "00:00Z to 23:59Z", "Of a mark: hours and minutes, UTC.", false,
                                          [](MapReader& map, Output& output) {
                                            output.roll_at =
                                                time_of_day(map.text("at", shown_at(output), check_at)).value_or(output.roll_at);
                                          },
                                          shown_at}),
       live<&Output::roll_size>(key_or_never("size", "size", &Output::roll_size, kLeastFile, std::int64_t{1} << 40, parse_bytes,
                                             format_bytes, "a size, e.g. 2GiB",
                                             "A file that has become so large, when it is a minute old; it is larger by what "
                                             "comes at once. An empty file takes 1.3 MB of it.")),
       live<&Output::roll_runs>(
           whole_key("runs", &Output::roll_runs, 1, 100'000, "runs",
                     "A file with so many runs is closed, and the next begins: an instrument with many gaps makes many runs."))}};
  return keys;
}

const Section<Gap>& gap_keys() {
  static const Section<Gap> keys{
      "gap",
      {
          {"tolerance", "samples", "above 0, up to 0.5 samples",
           "Samples follow one another if their times fit the prediction this well.", false,
           [](MapReader& map, Gap& gap) {
             const auto text = map.text("tolerance", format_number(gap.tolerance_samples) + " samples", check_tolerance);
             gap.tolerance_samples = samples(text).value_or(gap.tolerance_samples);
           },
           [](const Gap& gap) { return format_number(gap.tolerance_samples) + " samples"; }},
          time_key(
              "fill_up_to", &Gap::fill_up_to, 0s, kDay,
              "A gap up to this long is filled (NaN; integers: the profile's fill) and listed; a longer one begins a new "
              "run. 0s: "
              "nothing is made up. More: fewer runs, with NaN in them, which not all programs like. Where times are those of "
              "arrival a gap is filled if a counter tells its length."),
          {"new_run_after", "time", "the same as fill_up_to",
           "The same limit from the other side; if it is there it must equal fill_up_to.", false,
           [](MapReader& map, Gap& gap) {
             const auto value = map.duration("new_run_after", gap.fill_up_to, 0s, kDay);
             if (const Node* node = map.map().find("new_run_after"); node != nullptr && value != gap.fill_up_to)
               map.problem(*node, "new_run_after",
                           format_duration(value) + " is not fill_up_to (" + format_duration(gap.fill_up_to) +
                               "): a gap is either filled or starts a new run; leave this key out");
           },
           [](const Gap& gap) { return format_duration(gap.fill_up_to); }},
          time_key("accept_backward_after", &Gap::accept_step_after, 0s, 7 * kDay,
                   "A clock that was set back is believed when three frames agree, and not before it ran on for this long; its "
                   "samples wait in memory."),
          time_key(
              "tolerance_floor", &Gap::tolerance_floor, 0s, 1h,
              "Times of this instrument may be off by so much though nothing is lost. The larger of the two tolerances holds."),
          time_key("longest", &Gap::longest, 1min, 10 * 366 * kDay,
                   "No gap is longer: a jump beyond it is a clock that was set, and nothing is missing."),
          whole_key("remember", &Gap::remember, 0, 1 << 26, "samples",
                    "So many of the last samples are known again when they are sent twice (in steps of 4096, of which one more "
                    "is kept); 8 bytes of memory each. After a start these are the last 65,536 of each stream at most, as its "
                    "files have them."),
          time_key("channel_wait", &Gap::channel_wait, 100ms, 1h,
                   "Where channels arrive apart (a packet a channel), those that came wait so long for one that did not, and "
                   "twice as long as the longest packet at least; then they go on, and it is filled (channel-away)."),
      }};
  return keys;
}

const Section<Clock>& clock_keys() {
  static const Section<Clock> keys{
      "clock",
      {
          {"reanchor_after", "time", "never, 1us to 1h, or 0.01 to 1000000 samples",
           "When the plain time axis of a run (start + number / rate) is off by more, a new run begins, without a gap. Times of "
           "arrival tell that once they are good, after a minute or more.",
           false,
           [](MapReader& map, Clock& clock) {
             const auto text = map.text("reanchor_after", shown_reanchor(clock), check_reanchor);
             if (!check_reanchor(text).empty()) return;
             clock.reanchor_samples = samples(text).value_or(0);
             clock.reanchor_after = parse_duration(text).value_or(0ns);
           },
           shown_reanchor},
          {"not_before", "date", "a date or time, UTC",
           "Times before it are moved on by as many 1024 weeks as it takes: for GPS receivers older than a rollover of the week.",
           false,
           [](MapReader& map, Clock& clock) {
             const auto text = map.text("not_before", mth5::to_iso(clock.not_before), check_date);
             clock.not_before = mth5::parse_time(text).value_or(clock.not_before);
           },
           [](const Clock& clock) { return mth5::to_iso(clock.not_before); }},
          time_key("delay", &Clock::delay, 0s, 1min,
                   "Of lines whose time is that of their arrival: from the end of a sample to its arrival, at the least "
                   "(buffers, bits on "
                   "the line)."),
          time_key("resolution", &Clock::resolution, 0s, 1h,
                   "Times are cut to this step, e.g. 1s: whole seconds at 10 Hz. 0s: as the profile says. 1ns: they are exact."),
          time_key("window", &Clock::window, 10s, kDay,
                   "Memory of the clock's fitted line: what lies further back says little about it."),
      }};
  return keys;
}

const Section<Source>& source_keys() {
  static const Section<Source> keys{
      "sources[]",
      {
          text_key("name", &Source::name, "a letter, then letters, digits, _ and -; 30 at most", check_name,
                   "For log, status and --set; the name of its stream.", true),
          time_key(
              "idle_timeout", &Source::idle_timeout, 1s, 7 * kDay,
              "No byte for this long: the input is opened anew; a file that is followed stays open, and the log says so. Bytes "
              "but no frame: the log says so, and the start-up commands are sent again."),
          {"sample_rate", "number", "0.001 to 1000000 Hz",
           "What the instrument is set to, where that is another rate than its profile says.", false,
           [](MapReader& map, Source& source) {
             source.instrument.sample_rate = map.number("sample_rate", 0.001, 1e6, "Hz").value_or(0);
           },
           [](const Source&) { return std::string{"that of the profile"}; }},
      }};
  return keys;
}

const Section<Source>& reconnect_keys() {
  static const Section<Source> keys{
      "sources[].reconnect",
      {
          time_key("first", &Source::reconnect_first, 10ms, 1h, "Wait before a new try of an input; doubled each time."),
          time_key("limit", &Source::reconnect_limit, 10ms, kDay, "The longest wait; not less than first."),
      }};
  return keys;
}

const Section<Commands>& commands_keys() {
  static const Section<Commands> keys{
      "sources[].commands",
      {
          time_key("spacing", &Commands::spacing, 0s, 1h,
                   "From one command to the next, at least: for instruments that are slow to read."),
          choice_key("no_answer", &Commands::no_answer, {"go-on", "reconnect"},
                     "What follows when an answer does not come: the next command, or a new connection."),
          size_key(
              "limit", &Commands::limit, 64, kMiB,
              "What waits for an instrument that does not read; commands beyond it are not sent, and counted as bytes_unsent."),
      }};
  return keys;
}

const Section<StartCommand>& start_command_keys() {
  static const Section<StartCommand> keys{
      "sources[].commands.start[]",
      {
          command_key("send", &StartCommand::send, check_command,
                      "Sent. \\r \\n \\t \\\\ \\xNN are bytes; {now:%Y%m%d%H%M%S} is the time of this computer, "
                      "{durable:%Y%m%d%H%M%S} that of the last "
                      "durable sample, {token} what the decoder gave with it. A command with something in it that is not known "
                      "yet is left out.",
                      true),
          command_key("answer", &StartCommand::answer, check_answer, "Waited for, anywhere in what comes.", false),
          time_key("timeout", &StartCommand::timeout, 10ms, 1h, "How long the answer is waited for."),
          time_key("pause", &StartCommand::pause, 0s, 1h, "Before the next command."),
      }};
  return keys;
}

const Section<Simulated>& simulate_keys() {
  static const Section<Simulated> keys{"profile.simulate",
                                       {
                                           command_key("otherwise", &Simulated::otherwise, check_answer,
                                                       "Answered to a line that is none of the commands in answers.", false),
                                       }};
  return keys;
}

const Section<SimulatedAnswer>& simulated_answer_keys() {
  static const Section<SimulatedAnswer> keys{
      "profile.simulate.answers[]",
      {
          command_key("to", &SimulatedAnswer::to, check_command, "The command, as in start.", true),
          command_key("answer", &SimulatedAnswer::answer, check_answer, "Sent back, with its line end.", false),
          choice_key("then", &SimulatedAnswer::then, {"go-on", "send", "stop"},
                     "What the instrument does behind it: as before, send its data, or stop that."),
      }};
  return keys;
}

const Section<PeriodicCommand>& periodic_command_keys() {
  static const Section<PeriodicCommand> keys{"sources[].commands.every[]",
                                             {
                                                 command_key("send", &PeriodicCommand::send, check_command, "As in start.", true),
                                                 time_key("interval", &PeriodicCommand::interval, 10ms, kDay,
                                                          "From one time to the next. The first one follows start at once."),
                                             }};
  return keys;
}

const Section<Instrument>& profile_keys() {
  static const Section<Instrument> keys{
      "profile",
      {
          {"description", "text", "", "One line, for --list-instruments.", false,
           [](MapReader& map, Instrument& instrument) { instrument.description = map.text("description").value_or(""); },
           [](const Instrument& instrument) { return instrument.description; }},
          {"sample_rate",
           "number",
           "0.001 to 1000000 Hz",
           "What the instrument is set to; one rate for all channels.",
           true,
           [](MapReader& map, Instrument& instrument) {
             instrument.sample_rate = map.number("sample_rate", 0.001, 1e6, "Hz", MapReader::Need::Required).value_or(0);
           },
           {}},
      }};
  return keys;
}

const Section<decode::TextFormat>& text_keys() {
  using decode::TextFormat;
  static const Section<TextFormat> keys{
      "profile.text",
      {
          {"delimiter", "word", "blanks, tab, or one character such as ','",
           "What stands between fields; blanks: any number of blanks and tabs.", false,
           [](MapReader& map, TextFormat& format) {
             const auto text = map.text("delimiter", "blanks", check_delimiter);
             format.delimiter = text == "blanks" ? ' ' : text == "tab" ? '\t' : text[0];
           },
           [](const TextFormat&) { return std::string{"blanks"}; }},
          {"comment", "word", "one character such as ';', or none", "Lines that begin with it are no data.", false,
           [](MapReader& map, TextFormat& format) {
             const auto text = map.text("comment", "none", check_comment);
             format.comment = text == "none" || text.empty() ? '\0' : text[0];
           },
           [](const TextFormat&) { return std::string{"none"}; }},
          whole_key("header_lines", &TextFormat::header_lines, 0, 10'000, "lines",
                    "So many lines at the beginning of a recording or connection may be a header: those that are no frame are no "
                    "data."),
          choice_key("terminator", &TextFormat::terminator, {"lf", "cr", "nul", "none"},
                     "What ends a line: LF (with or without a CR before it), CR, a byte 0; none: it has line_bytes."),
          whole_key("line_bytes", &TextFormat::line_bytes, 0, 4096, "bytes",
                    "Of a line without a terminator. Its first column is a text or a time, by which lines are found again."),
          choice_key("decimal", &TextFormat::decimal, {"point", "comma"}, "What stands before the decimals of a number."),
          choice_key(
              "checksum", &TextFormat::checksum, {"none", "nmea"},
              "nmea: lines are $...*HH, with the exclusive or of what stands between in hexadecimal; others are skipped as "
              "bad-check."),
          flag_key("json", &TextFormat::json,
                   "Lines are JSON objects; each of the columns gives the key of its value: {key: x, channel: bx}."),
          choice_key(
              "time", &TextFormat::time, {"columns", "host-date", "host"},
              "What the time of a line is: that of its columns; that of its columns with the date of this computer, for times of "
              "day without one; when it arrived, for lines without a time."),
          choice_key("clock", &TextFormat::clock, {"gps", "device"},
                     "Whose times the columns hold: of a clock that follows GPS, or of one that runs by itself."),
          {"lengths", "list of whole numbers", "1 to 1024 fields",
           "How many fields whole lines have; not given: any. Of a line of another length the channels that have a further field "
           "behind "
           "them are kept and it is counted in short_lines, unless it ends in or right after the last channel: then it is "
           "skipped as "
           "short-line.",
           false,
           [](MapReader& map, TextFormat& format) {
             const Node* list = map.take("lengths", Node::Kind::Sequence);
             if (list == nullptr) return;
             if (list->items.empty())
               map.problem(*list, "lengths", "is an empty list; leave it out where lines may have any length");
             for (const auto& item : list->items) {
               const auto length = item.kind == Node::Kind::Scalar ? parse_number(item.text) : std::nullopt;
               if (!length || *length != std::floor(*length) || *length < 1 || *length > 1024)
                 map.problem(item, "lengths", in_quotes(item.text) + " is not a number of fields (1 to 1024)");
               else
                 format.lengths.push_back(std::size_t(*length));
             }
           },
           [](const TextFormat&) { return std::string{}; }},
          flag_key("strict", &TextFormat::strict, "Lines of other lengths than those are skipped as short-line."),
          time_key("resolution", &TextFormat::resolution, 0s, 1h,
                   "Times are cut to this step. 0s: as many digits as they have. 1ns: samples are taken when they say, to the "
                   "nanosecond, as those that follow the seconds of a GPS are."),
          whole_key("max_line", &TextFormat::max_line, 16, 65536, "bytes", "A longer line is counted as too-long and skipped."),
      }};
  return keys;
}

const Section<decode::DatacastFormat>& datacast_keys() {
  using decode::DatacastFormat;
  static const Section<DatacastFormat> keys{
      "profile.datacast",
      {choice_key("clock", &DatacastFormat::clock, {"device", "gps"},
                  "Whose times the packets hold: of the instrument's own clock, or of one that follows GPS.")}};
  return keys;
}

const Section<decode::MiniSeedFormat>& miniseed_keys() {
  using decode::MiniSeedFormat;
  static const Section<MiniSeedFormat> keys{
      "profile.miniseed",
      {whole_key("locked_from", &MiniSeedFormat::locked_from, 0, 100, "percent",
                 "Timing quality (blockette 1001) from which times are those of a clock that follows GPS. Times of less, or of "
                 "records that do not say it, are those of the instrument's own clock.")}};
  return keys;
}

const Section<ChannelKeys>& channel_keys() {
  static const Section<ChannelKeys> keys{
      "profile.channels.NAME",
      {
          {"type",
           "word",
           alternatives({"electric", "magnetic", "auxiliary"}),
           "Electric components begin with e, magnetic ones with h, b or r.",
           true,
           [](MapReader& map, ChannelKeys& channel) {
             channel.type = map.text("type", MapReader::Need::Required).value_or("");
             if (channel.type.empty() || channel.type == "electric" || channel.type == "magnetic" || channel.type == "auxiliary")
               return;
             map.problem(*map.map().find("type"), "type", in_quotes(channel.type) + " is not electric, magnetic or auxiliary");
             channel.type.clear();
           },
           {}},
          choice_key("dtype", &ChannelKeys::dtype, {"int16", "int32", "float32", "float64"}, "How samples are stored."),
          {"fill", "whole number", "a value of the dtype; integer types only",
           "Stands for samples that are not known: in gaps that are filled, and where a field holds no value; one that is sent "
           "and equals it is unknown as well (values_as_fill). Floats have NaN for that. Not given: no gap can be filled, every "
           "number that is sent is a sample, and "
           "where a field holds no value the least value of the type is stored and listed as a gap (no-value).",
           false,
           [](MapReader& map, ChannelKeys& channel) {
             const Node* node = map.map().find("fill");
             const bool small = channel.dtype == "int16";
             if (node == nullptr) {
               static_cast<void>(map.take_any("fill"));
             } else if (!small && channel.dtype != "int32") {
               static_cast<void>(map.take_any("fill"));
               map.problem(*node, "fill", "is for integer types; gaps in a " + channel.dtype + " channel are filled with NaN");
             } else {
               const auto low = small ? std::numeric_limits<std::int16_t>::min() : std::numeric_limits<std::int32_t>::min();
               const auto high = small ? std::numeric_limits<std::int16_t>::max() : std::numeric_limits<std::int32_t>::max();
               channel.fill = double(map.whole("fill", 0, low, high, ""));
             }
           },
           [](const ChannelKeys&) { return std::string{}; }},
          text_key("divided_by", &ChannelKeys::divided_by, "a name from state_of_health, or none", check_not_empty,
                   "The quantity of state_of_health that says by which line length, in m, the instrument has divided these "
                   "samples, in microvolts: while it is 1 or not known they stay microVolt, and the channel's comments "
                   "say so. A site that gives units knows."),
      }};
  return keys;
}

const Section<SensorKeys>& sensor_keys() {
  static const Section<SensorKeys> keys{
      "profile.channels.NAME",
      {
          {"clip_limits", "list of two numbers", "the lower one first, in the units of the channel",
           "The least and the most that it can show: samples there are cut off. Kept in the file for mth5-monitor and "
           "mth5-summary. A site may give its own.",
           false,
           [](MapReader& map, SensorKeys& sensor) {
             const auto limits = take_numbers(map, "clip_limits", -1e300, "in the units of the channel");
             if (limits.size() == 2 && limits[0] < limits[1])
               sensor.clip_limits = ClipLimits{limits[0], limits[1]};
             else if (const Node* node = map.map().find("clip_limits"); node != nullptr && node->kind == Node::Kind::Sequence)
               map.problem(*node, "clip_limits", "must be two numbers, the lower one first: [-68000, 68000]");
           },
           [](const SensorKeys&) { return std::string{}; }},
      }};
  return keys;
}

const Section<NoiseKeys>& noise_keys() {
  static const Section<NoiseKeys> keys{
      "profile.channels.NAME.noise",
      {
          {"f",
           "list of numbers",
           "above 0, up to 1000 of them, Hz",
           "Frequencies, each larger than the one before.",
           true,
           [](MapReader& map, NoiseKeys& noise) { noise.f = take_numbers(map, "f", 1e-12, "Hz", MapReader::Need::Required); },
           {}},
          {"asd",
           "list of numbers",
           "above 0, as many as f",
           "Amplitude spectral density at each, in the units of the channel per root of Hz.",
           true,
           [](MapReader& map, NoiseKeys& noise) {
             noise.asd = take_numbers(map, "asd", 1e-300, "units per root of Hz", MapReader::Need::Required);
           },
           {}},
      }};
  return keys;
}

const Section<FilterKeys>& filter_keys() {
  static const Section<FilterKeys> keys{
      "profile.channels.NAME.filters[]",
      {
          text_key("name", &FilterKeys::name, "printable ASCII, 60 at most", check_filter_name,
                   "Of the filter in the survey, which all its channels share.", true),
          choice_key("kind", &FilterKeys::kind, {"coefficient", "fap", "zpk"},
                     "One factor; a table of frequency, amplitude and phase; zeros and poles."),
          text_key("units_in", &FilterKeys::units_in, "as MTH5 spells them", check_not_empty, "On the side of the field.", true),
          text_key("units_out", &FilterKeys::units_out, "as MTH5 spells them", check_not_empty,
                   "On the side of the samples; of the last filter the units of the channel.", true),
          text_key("gain", &FilterKeys::gain, "a number other than 0, or dipole_length", check_gain,
                   "units_out per units_in; of a fap all amplitudes are multiplied by it. dipole_length: that of the channel, in "
                   "m; the filter is left out where it is not given."),
          text_key("file", &FilterKeys::file, "a path, seen from the file it stands in", check_anything,
                   "Of a fap: CSV or .rsp, three numbers a line: frequency in Hz, amplitude, phase; or the JSON header of a "
                   "channel of "
                   "Metronix, with the calibration of its sensor."),
          choice_key("phase", &FilterKeys::phase, {"degrees", "radians"}, "Of a fap."),
          text_key("comments", &FilterKeys::comments, "", check_anything, "Kept with the filter."),
          {"normalization_factor", "number", "other than 0", "Of a zpk.", false,
           [](MapReader& map, FilterKeys& filter) {
             filter.normalization_factor = map.number("normalization_factor", -1e300, 1e300, "").value_or(1);
             if (const Node* node = map.map().find("normalization_factor"); node != nullptr && filter.normalization_factor == 0)
               map.problem(*node, "normalization_factor", "must be other than 0");
           },
           [](const FilterKeys& filter) { return format_number(filter.normalization_factor); }},
      }};
  return keys;
}

const Section<decode::TextAnswer>& text_answer_keys() {
  static const Section<decode::TextAnswer> keys{
      "profile.text.answers[]",
      {
          text_key("begins", &decode::TextAnswer::begins, "text", check_not_empty,
                   "How the line begins; the number behind it is the value.", true),
          text_key("soh", &decode::TextAnswer::name, "a name from state_of_health", check_not_empty, "Of what.", true),
      }};
  return keys;
}

const Section<SohProfile>& soh_keys() {
  static const Section<SohProfile> keys{"profile.state_of_health.NAME",
                                        {
                                            {"units", "text", "", "Of the quantity, for people: V, m, deg.", false,
                                             [](MapReader& map, SohProfile& soh) { soh.units = map.text("units").value_or(""); },
                                             [](const SohProfile& soh) { return soh.units; }},
                                            {"change", "number", "0 or more, in the units of the quantity",
                                             "The least change that is worth a row of the table; there is one each minute "
                                             "anyway, and one whenever a value comes or goes. 0: "
                                             "any change.",
                                             false,
                                             [](MapReader& map, SohProfile& soh) {
                                               soh.change =
                                                   map.number("change", 0, 1e12, "in the units of the quantity").value_or(0);
                                             },
                                             [](const SohProfile& soh) { return format_number(soh.change); }},
                                        }};
  return keys;
}

}  // namespace daq::config
