#include <algorithm>
#include <array>
#include <set>

#include "acquisition/config/instrument.hpp"
#include "acquisition/config/tables.hpp"
#include "acquisition/decode/time_form.hpp"

/// The part of a profile that describes a line of text.
namespace daq::config {

namespace {

using decode::TextColumn;

constexpr std::int64_t kMaxColumns = 1024;
constexpr std::int64_t kMaxWidth = 64;
constexpr std::array<std::pair<std::string_view, TextColumn::Use>, 7> kWords{{{"skip", TextColumn::Use::Skip},
                                                                              {"year", TextColumn::Use::Year},
                                                                              {"month", TextColumn::Use::Month},
                                                                              {"day", TextColumn::Use::Day},
                                                                              {"hour", TextColumn::Use::Hour},
                                                                              {"minute", TextColumn::Use::Minute},
                                                                              {"second", TextColumn::Use::Second}}};

constexpr std::size_t kParts = kWords.size() - 1;  ///< of a time, in the order of check_time_form()

class ColumnReader {
 public:
  /// @param time  as TextFormat::time
  /// @param said  quantities that answers say
  ColumnReader(std::string path, std::string time, std::vector<std::string> channels, std::vector<std::string> soh,
               std::set<std::string> said, Report& report)
      : path_{std::move(path)},
        time_{std::move(time)},
        channels_{std::move(channels)},
        soh_{std::move(soh)},
        said_{std::move(said)},
        report_{report} {}

  std::vector<TextColumn> read(const Node& list) {
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const auto path = path_ + "[" + std::to_string(i) + "]";
      const auto& item = list.items[i];
      if (item.kind == Node::Kind::Scalar)
        word(item, path);
      else if (item.kind == Node::Kind::Map)
        value(item, path);
      else
        report_.problem(item.place, path, "must be a word such as 'year', or a map such as {channel: bx}");
    }
    check_all(list);
    return columns_;
  }

 private:
  void word(const Node& item, const std::string& path) {
    if (item.text == "token") {
      if (!used_.insert(item.text).second) report_.problem(item.place, path, "a second column 'token'");
      columns_.push_back({.use = TextColumn::Use::Token, .name = item.text});
      return;
    }
    const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const auto& w) { return w.first == item.text; });
    if (found == kWords.end()) {
      std::vector<std::string> known;
      for (const auto& [name, use] : kWords) known.emplace_back(name);
      known.emplace_back("token");
      report_.problem(item.place, path, in_quotes(item.text) + " is not a kind of column" + did_you_mean(item.text, known));
      return;
    }
    if (found->second != TextColumn::Use::Skip && !used_.insert(item.text).second)
      report_.problem(item.place, path, "a second column '" + item.text + "'");
    columns_.push_back({.use = found->second, .name = item.text});
  }

  void value(const Node& item, const std::string& path) {
    MapReader map{item, path, report_};
    TextColumn column;
    const auto channel = map.text("channel");
    const auto soh = map.text("soh");
    const auto hemisphere = map.text("hemisphere");
    const auto time = map.text("time");
    const auto text = map.text("text");
    const bool skip = item.find("skip") != nullptr;
    if (int{channel.has_value()} + int{soh.has_value()} + int{hemisphere.has_value()} + int{time.has_value()} +
            int{text.has_value()} + int{skip} !=
        1)
      report_.problem(item.place, path, "a column is one of channel, soh, hemisphere, time, text, skip");
    if (skip) column.width = std::size_t(map.whole("skip", 0, 1, kMaxWidth, "characters"));
    if (text) column = literal(*item.find("text"), path + ".text");
    if (time) column = time_form(*item.find("time"), path + ".time");
    if (channel) column = named(*item.find("channel"), path + ".channel", TextColumn::Use::Channel, channels_, done_);
    if (soh) column = named(*item.find("soh"), path + ".soh", TextColumn::Use::Soh, soh_, done_soh_);
    if (hemisphere) {
      std::set<std::string> once;
      const auto& node = *item.find("hemisphere");
      column = named(node, path + ".hemisphere", TextColumn::Use::Hemisphere, soh_, once);
      if (!once.empty() && !done_soh_.contains(*hemisphere))
        report_.problem(node.place, path + ".hemisphere", "must stand behind the column of '" + *hemisphere + "'");
    }
    if (soh || channel) {
      const auto form = map.choice(
          "form", "number", soh ? std::vector<std::string>{"number", "ddmm", "hex"} : std::vector<std::string>{"number", "hex"});
      column.degrees_minutes = form == "ddmm";
      column.hex = form == "hex";
      if (column.hex && item.find("bits") != nullptr) column.bits = int(map.whole("bits", 0, 4, 52, "bits"));
    }
    if ((soh || channel || time) && !column.degrees_minutes && item.find("width") != nullptr)
      column.width = std::size_t(map.whole("width", 0, 1, kMaxWidth, "characters"));
    if ((soh || channel) && !column.degrees_minutes) {
      column.scale = map.number("scale", -1e300, 1e300, "").value_or(1);
      if (column.scale == 0) report_.problem(item.find("scale")->place, path + ".scale", "0 makes all values the same");
      column.offset = map.number("offset", -1e300, 1e300, "").value_or(0);
      column.missing = map.number("missing", -1e300, 1e300, "");
    }
    if (channel && !column.hex && item.find("digits") != nullptr)
      column.digits = std::size_t(map.whole("digits", 0, 1, 15, "digits"));
    if (item.find("key") != nullptr) column.key = map.text("key").value_or("");
    if (time && item.find("decimals") != nullptr && time->find("%S") == std::string::npos &&
        time->find("%s") == std::string::npos)
      report_.problem(item.find("decimals")->place, path + ".decimals",
                      in_quotes(*time) + " has no seconds that could have some");
    if (!hemisphere && item.find("decimals") != nullptr) column.decimals = int(map.whole("decimals", -1, 0, time ? 9 : 12, ""));
    map.finish();
    columns_.push_back(column);
  }

  TextColumn literal(const Node& text, const std::string& path) {
    const bool good = !text.text.empty() && text.text.size() <= std::size_t{kMaxWidth} &&
                      std::all_of(text.text.begin(), text.text.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!good) report_.problem(text.place, path, in_quotes(text.text) + " must be printable ASCII without blanks, 64 at most");
    return {.use = TextColumn::Use::Text, .name = text.text, .width = text.text.size()};
  }

  TextColumn time_form(const Node& form, const std::string& path) {
    unsigned parts = 0;
    if (auto wrong = decode::check_time_form(form.text, parts); !wrong.empty())
      report_.problem(form.place, path, in_quotes(form.text) + ": " + wrong);
    for (std::size_t i = 0; i < kParts; ++i) {
      const auto& [word, use] = kWords[i + 1];
      if ((parts >> i & 1U) != 0 && !used_.insert(std::string{word}).second)
        report_.problem(form.place, path,
                        in_quotes(form.text) + " gives the " + std::string{word} + ", which another column gives already");
    }
    if ((parts >> kParts & 1U) != 0) {
      if (time_ != "columns")
        report_.problem(form.place, path, "%z says how far a time with its date is ahead of UTC, but time is " + time_);
      else if (!used_.insert("%z").second)
        report_.problem(form.place, path, in_quotes(form.text) + " gives %z, which another column gives already");
    }
    return {.use = TextColumn::Use::Form, .name = form.text};
  }

  TextColumn named(const Node& name, const std::string& path, TextColumn::Use use, const std::vector<std::string>& known,
                   std::set<std::string>& done) {
    const auto found = std::find(known.begin(), known.end(), name.text);
    if (found == known.end())
      report_.problem(name.place, path,
                      in_quotes(name.text) +
                          (use == TextColumn::Use::Channel ? " is not in channels" : " is not in state_of_health") +
                          near_or_all(name.text, known));
    else if (!done.insert(name.text).second)
      report_.problem(name.place, path, "a second column for '" + name.text + "'");
    return {.use = use, .index = found == known.end() ? 0 : std::size_t(found - known.begin()), .name = name.text};
  }

  void check_all(const Node& list) {
    const bool of_day = time_ == "columns" && used_.contains("hour") && !used_.contains("year") && !used_.contains("month") &&
                        !used_.contains("day");
    if (of_day)
      report_.problem(list.place, path_,
                      "give the hour, but no year, month and day; where lines have no date, set time: host-date");
    for (const auto& [name, use] : kWords) {
      if (of_day && use < TextColumn::Use::Hour) continue;
      if (use == TextColumn::Use::Skip) continue;
      const bool given = used_.contains(std::string{name});
      const bool wanted = time_ == "columns" || (time_ == "host-date" && use >= TextColumn::Use::Hour);
      if (given && !wanted)
        report_.problem(
            list.place, path_,
            "a column gives the " + std::string{name} + ", but time is " + time_ + "; make it skip, or time: columns");
      if (!given && wanted)
        report_.problem(list.place, path_, "no column '" + std::string{name} + "', and no time form that gives it");
    }
    for (const auto& name : channels_)
      if (!done_.contains(name)) report_.problem(list.place, path_, "no column for channel '" + name + "'");
    for (const auto& name : soh_)
      if (!done_soh_.contains(name) && !said_.contains(name))
        report_.problem(list.place, path_, "no column for state_of_health '" + name + "', and no answer that says it");
  }

  std::string path_, time_;
  std::vector<std::string> channels_, soh_;
  std::set<std::string> said_;
  Report& report_;
  std::vector<TextColumn> columns_;
  std::set<std::string> used_, done_, done_soh_;
};

/// `answers`: comments that say something.
std::vector<decode::TextAnswer> read_answers(MapReader& text, const decode::TextFormat& format,
                                             const std::vector<std::string>& names, Report& report) {
  std::vector<decode::TextAnswer> answers;
  const Node* list = text.take("answers", Node::Kind::Sequence);
  if (list == nullptr) return answers;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto& node = list->items[i];
    const auto path = text.path("answers") + "[" + std::to_string(i) + "]";
    if (node.kind != Node::Kind::Map) {
      report.problem(node.place, path, "must be a map such as {begins: '%Ubat', soh: battery}");
      continue;
    }
    MapReader item{node, path, report, false};
    decode::TextAnswer answer;
    text_answer_keys().read(item, answer);
    item.finish();
    const auto found = std::find(names.begin(), names.end(), answer.name);
    if (found == names.end() && !answer.name.empty())
      report.problem(node.find("soh")->place, path + ".soh",
                     in_quotes(answer.name) + " is not in state_of_health" + near_or_all(answer.name, names));
    if (!answer.begins.empty() && (format.comment == '\0' || answer.begins.front() != format.comment))
      report.problem(node.find("begins")->place, path + ".begins",
                     in_quotes(answer.begins) + " must begin with the sign of comments: answers are no data");
    answer.soh = std::size_t(found - names.begin());
    answers.push_back(std::move(answer));
  }
  return answers;
}

/// Keys that go together.
void check_kind(const decode::TextFormat& format, const Node& map, MapReader& text) {
  const auto refuse = [&](const char* key, const std::string& why) {
    if (const Node* node = map.find(key)) text.problem(*node, key, why);
  };
  if (format.decimal == "comma" && format.delimiter == ',') refuse("decimal", "is the delimiter, too");
  const Node& columns = *map.find("columns");
  for (std::size_t i = 0; i < format.columns.size() && i < columns.items.size(); ++i)
    if (format.columns[i].key.empty() == format.json)
      text.problem(columns.items[i], "columns[" + std::to_string(i) + "]",
                   format.json ? "needs the key of its value: {key: x, channel: bx}"
                               : "has a key, but lines are not JSON; add json: true");
  if (format.checksum == "nmea" && !format.columns.empty() && format.columns[0].use == TextColumn::Use::Text &&
      format.columns[0].name.starts_with('$'))
    text.problem(
        *columns.items[0].find("text"), "columns[0].text",
        in_quotes(format.columns[0].name) + " would never be: the $ of a sentence is no part of its first field; leave it out");
  const bool fixed = std::any_of(format.columns.begin(), format.columns.end(), [](const TextColumn& c) { return c.width > 0; });
  if (fixed)
    refuse("lengths",
           "counts fields between delimiters, which columns of a width or a text are not; leave it out: cut lines are refused "
           "all the same");
  if (fixed && format.json) refuse("columns", "lines of JSON have no widths");
  if (format.terminator == "none") {
    if (format.line_bytes == 0) refuse("terminator", "none needs line_bytes, the length of a line");
    for (const char* key : {"comment", "answers", "header_lines", "checksum", "json", "lengths"})
      refuse(key, "is for lines with a terminator");
    const auto first = format.columns.empty() ? TextColumn::Use::Text : format.columns[0].use;
    if (first != TextColumn::Use::Text && first != TextColumn::Use::Form && first != TextColumn::Use::Year)
      refuse("columns", "without a terminator the first one must be a text or a time, by which lines are found");
  } else if (format.line_bytes > 0) {
    refuse("line_bytes", "is for terminator: none");
  }
  if (!format.json) return;
  for (const char* key : {"delimiter", "lengths"}) refuse(key, "lines of JSON have none");
  if (format.checksum != "none") refuse("checksum", "lines of JSON have none");
}

/// Whole lines hold all channels and the time.
void check_lengths(const decode::TextFormat& format, const Node& map, MapReader& text) {
  if (format.lengths.empty()) {
    if (format.strict && map.find("lengths") == nullptr)
      text.problem(*map.find("strict"), "strict", "says what becomes of lines of other lengths; give lengths, too");
    return;
  }
  std::size_t least = 0;
  for (std::size_t i = 0; i < format.columns.size(); ++i)
    if (const auto use = format.columns[i].use;
        use == TextColumn::Use::Channel || (use >= TextColumn::Use::Year && use <= TextColumn::Use::Form))
      least = i + 1;
  for (const auto length : format.lengths)
    if (length < least)
      text.problem(*map.find("lengths"), "lengths",
                   std::to_string(length) + " fields are no whole line: the last channel or part of the time is field " +
                       std::to_string(least));
}

/// What is stored must fit into the channel's dtype.
void check_types(const decode::TextFormat& format, const Node& map, const std::vector<std::string>& channels,
                 const Instrument& instrument, MapReader& text) {
  const Node& columns = *map.find("columns");
  for (std::size_t i = 0; i < format.columns.size() && i < columns.items.size(); ++i) {
    const auto& column = format.columns[i];
    if (column.use != TextColumn::Use::Channel || column.bits == 0 || column.scale != 1 || column.offset != 0) continue;
    const auto one = std::find_if(instrument.channels.begin(), instrument.channels.end(),
                                  [&](const auto& channel) { return channel.name == channels[column.index]; });
    if (one == instrument.channels.end()) continue;
    if (auto wrong = too_wide(std::size_t(column.bits), one->name, one->type); !wrong.empty())
      text.problem(*columns.items[i].find("bits"), "columns[" + std::to_string(i) + "].bits", std::move(wrong));
  }
}

}  // namespace

decode::Description read_text_format(const Node& map, const std::string& path, const std::vector<std::string>& channels,
                                     const Instrument& instrument, Report& report) {
  decode::TextFormat format;
  MapReader text{map, path, report};
  text_keys().read(text, format);
  format.n_channels = channels.size();
  std::vector<std::string> names;
  for (const auto& s : instrument.soh) names.push_back(s.name);
  format.n_soh = names.size();
  format.answers = read_answers(text, format, names, report);
  std::set<std::string> said;
  for (const auto& answer : format.answers) said.insert(answer.name);
  if (const Node* columns = text.take("columns", Node::Kind::Sequence, MapReader::Need::Required)) {
    if (std::int64_t(columns->items.size()) > kMaxColumns)
      text.problem(*columns, "columns",
                   std::to_string(columns->items.size()) + " columns; at most " + std::to_string(kMaxColumns));
    else
      format.columns = ColumnReader{text.path("columns"), format.time, channels, names, said, report}.read(*columns);
  }
  check_lengths(format, map, text);
  if (map.find("columns") != nullptr) {
    check_kind(format, map, text);
    check_types(format, map, channels, instrument, text);
  }
  text.finish();
  return format;
}

}  // namespace daq::config
