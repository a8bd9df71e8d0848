#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iomanip>
#include <map>
#include <numeric>
#include <random>
#include <sstream>

#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text.hpp"
#include "support/lemi424.hpp"

namespace {

using namespace daq::decode;

/// A stream of lines with all that goes wrong on one.
std::string damaged_stream() {
  std::string stream;
  const int lines = *rc::gen::inRange(0, 12);
  for (int i = 0; i < lines; ++i) {
    std::string line = support::lemi424_line(i) + *rc::gen::element<std::string>("\n", " \n", "\r\n", "");
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        line.resize(*rc::gen::inRange<std::size_t>(0, line.size()));
        break;
      case 1:
        line.erase(0, *rc::gen::inRange<std::size_t>(0, line.size()));
        break;
      case 2:
        line[*rc::gen::inRange<std::size_t>(0, line.size())] = *rc::gen::arbitrary<char>();
        break;
      case 3:
        line.insert(*rc::gen::inRange<std::size_t>(0, line.size()), *rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
        break;
      case 4:
        line.insert(0, std::string(*rc::gen::inRange<std::size_t>(0, 300), *rc::gen::element('\0', 'x', ' ', '1')));
        break;
      default:
        break;
    }
    stream += line;
  }
  return stream;
}

struct Result {
  daq::ledger::SourceCounters counters;
  Batch batch;
};

/// Bit for bit, so that NaN equals itself.
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

Result decode(const std::string& stream, const std::function<std::size_t()>& next_part,
              daq::decode::TextFormat format = support::lemi424_format()) {
  format.max_line = 400;
  const auto decoder = make_text_decoder(format);
  Result result;
  for (std::size_t i = 0; i < stream.size();) {
    const auto part = std::string_view{stream}.substr(i, next_part());
    decoder->feed({.bytes = {part.data(), part.size()}}, result.batch);
    i += part.size();
    const auto& c = decoder->counters();
    RC_ASSERT(c.bytes_in == i);
    RC_ASSERT(c.bytes_in == c.bytes_decoded + c.bytes_pending + daq::ledger::sum(c.bytes_skipped));
    RC_ASSERT(c.bytes_pending <= format.max_line);
    RC_ASSERT(c.frames == result.batch.frames.size());
  }
  decoder->end_of_stream(result.batch);
  result.counters = decoder->counters();
  RC_ASSERT(result.counters.bytes_pending == 0u);
  return result;
}

RC_GTEST_PROP(TextDecoder, GivesTheSameHoweverTheStreamIsCut, ()) {
  const auto stream = damaged_stream();
  const auto longest = *rc::gen::element<std::size_t>(1, 3, 50, 500);
  const auto whole = decode(stream, [&] { return stream.size(); });
  const auto cut = decode(stream, [&] { return *rc::gen::inRange<std::size_t>(1, longest + 1); });
  RC_ASSERT(whole.counters == cut.counters);
  RC_ASSERT(whole.batch.frames.size() == cut.batch.frames.size());
  for (std::size_t i = 0; i < whole.batch.frames.size(); ++i) {
    RC_ASSERT(whole.batch.frames[i].time == cut.batch.frames[i].time);
    RC_ASSERT(whole.batch.frames[i].after_skip == cut.batch.frames[i].after_skip);
  }
  RC_ASSERT(same_bits(whole.batch.samples, cut.batch.samples));
  RC_ASSERT(same_bits(whole.batch.soh, cut.batch.soh));
}

RC_GTEST_PROP(TextDecoder, LosesNoWholeLineToDamageInOthers, ()) {
  const auto hurt = *rc::gen::inRange(1, 9);
  std::string stream;
  for (int i = 0; i < 10; ++i) {
    std::string line = support::lemi424_line(i) + "\n";
    if (i == hurt) line.resize(*rc::gen::inRange<std::size_t>(0, line.size()));  // with its line end
    stream += line;
  }
  const auto result = decode(stream, [&] { return stream.size(); });
  std::vector<mth5::UtcNanos> expected;
  const auto start = *mth5::from_calendar(2020, 10, 4, 0, 0, 0);
  for (int i = 0; i < 10; ++i)
    if (i != hurt) expected.push_back(start + std::chrono::seconds{i});
  std::vector<mth5::UtcNanos> found;
  for (const auto& frame : result.batch.frames) found.push_back(frame.time);
  std::erase(found, start + std::chrono::seconds{hurt});  // whole but for its line end
  RC_ASSERT(found == expected);
}

/// The fields of a line, and where the values begin.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  for (std::size_t begin = 0; (begin = line.find_first_not_of(' ', begin)) != std::string::npos;) {
    const auto end = std::min(line.find(' ', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return fields;
}

RC_GTEST_PROP(TextDecoder, AnyFieldsWithoutValueCostNothingElse, ()) {
  const auto good = decode(support::lemi424_line(0) + "\n", [] { return std::size_t{1000}; });
  auto fields = fields_of(support::lemi424_line(0));
  std::vector<bool> unknown(fields.size());
  const auto n = *rc::gen::inRange(1, 18);
  for (int i = 0; i < n; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(6, fields.size());
    fields[at] = *rc::gen::element<std::string>("?", "*", "***********", "NaN", "nan", "--", "#");
    unknown[at] = true;
  }
  std::string line;
  for (const auto& field : fields) line += field + std::string(*rc::gen::inRange<std::size_t>(1, 4), ' ');
  const auto found = decode(line + "\n", [] { return std::size_t{1000}; });
  RC_ASSERT(found.counters.frames == 1u);
  RC_ASSERT(found.counters.fields_unknown == static_cast<std::uint64_t>(std::count(unknown.begin(), unknown.end(), true)));
  const std::size_t soh_of[] = {0, 1, 2, 2, 3, 3, 4, 5, 6};  // columns 15 to 23
  std::vector<bool> soh_unknown(7);
  for (std::size_t i = 15; i < 24; ++i)
    if (unknown[i]) soh_unknown[soh_of[i - 15]] = true;
  for (std::size_t i = 0; i < 9; ++i)
    RC_ASSERT((unknown[6 + i] ? std::isnan(found.batch.samples[i]) : found.batch.samples[i] == good.batch.samples[i]));
  for (std::size_t i = 0; i < 7; ++i)
    RC_ASSERT((soh_unknown[i] ? std::isnan(found.batch.soh[i]) : found.batch.soh[i] == good.batch.soh[i]));
}

RC_GTEST_PROP(TextDecoder, ALostFieldNeverMovesAValueIntoAnotherChannel, ()) {
  const auto good = decode(support::lemi424_line(0) + "\n", [] { return std::size_t{1000}; });
  auto fields = fields_of(support::lemi424_line(0));
  const auto lost = *rc::gen::inRange<std::size_t>(0, fields.size());
  const auto n = *rc::gen::inRange<std::size_t>(1, 6);
  fields.erase(fields.begin() + std::ptrdiff_t(lost), fields.begin() + std::ptrdiff_t(std::min(lost + n, fields.size())));
  std::string line;
  for (const auto& field : fields) line += field + " ";
  const auto found = decode(line + "\n", [] { return std::size_t{1000}; });
  for (std::size_t i = 0; i < found.batch.samples.size(); ++i)
    RC_ASSERT((std::isnan(found.batch.samples[i]) || found.batch.samples[i] == good.batch.samples[i]));
  RC_ASSERT((lost < 15 || same_bits(found.batch.samples, good.batch.samples)));
}

daq::decode::TextFormat with_lengths(bool strict) {
  auto format = support::lemi424_format();
  format.lengths = {16, 24};
  format.strict = strict;
  return format;
}

TEST(ShortLine, WhereverItIsCutNothingIsInvented) {
  const auto whole = support::lemi424_line(0);
  const auto good = decode(whole + "\n", [] { return std::size_t{1000}; });
  for (std::size_t length = 0; length < whole.size(); ++length)
    for (const std::string end : {"\n", " \n", "\r\n"})
      for (const bool strict : {false, true}) {
        const auto cut = whole.substr(0, length) + end;
        SCOPED_TRACE(testing::PrintToString(cut) + (strict ? " strict" : ""));
        const auto found = decode(
            cut, [] { return std::size_t{1000}; }, with_lengths(strict));
        const auto fields = fields_of(whole.substr(0, length));
        const auto n = fields.size();
        const bool listed = n == 16 || n == 24;
        // 8: a whole bx. 15 ends in or right after e4. An end behind the rest of a number: bytes were lost in the middle; "-" is
        // none, it says that there is no value.
        const bool lost_inside =
            n < 15 && end != "\n" && n > 0 && fields.back() != fields_of(whole)[n - 1] && fields.back() != "-";
        const bool kept = listed || (!strict && n >= 8 && n != 15 && !lost_inside);
        ASSERT_EQ(found.counters.frames, kept ? 1u : 0u);
        ASSERT_EQ(found.counters.short_lines, kept && !listed ? 1u : 0u);
        for (std::size_t i = 0; i < found.batch.samples.size(); ++i) {
          const bool surely_whole = 6 + i + 1 < n;
          ASSERT_TRUE(surely_whole ? found.batch.samples[i] == good.batch.samples[i] : std::isnan(found.batch.samples[i])) << i;
        }
      }
}

RC_GTEST_PROP(ShortLine, GivesTheSameHoweverTheStreamIsCut, ()) {
  const auto stream = damaged_stream();
  const auto format = with_lengths(*rc::gen::arbitrary<bool>());
  const auto whole = decode(
      stream, [&] { return stream.size(); }, format);
  const auto cut = decode(
      stream, [&] { return *rc::gen::inRange<std::size_t>(1, 60); }, format);
  RC_ASSERT(whole.counters == cut.counters);
  RC_ASSERT(same_bits(whole.batch.samples, cut.batch.samples));
  RC_ASSERT(same_bits(whole.batch.soh, cut.batch.soh));
}

RC_GTEST_PROP(ShortLine, ALostFieldNeverMovesAValueIntoAnotherChannel, ()) {
  const auto good = decode(support::lemi424_line(0) + "\n", [] { return std::size_t{1000}; });
  auto fields = fields_of(support::lemi424_line(0));
  fields.resize(*rc::gen::element<std::size_t>(16, 24));
  const auto lost = *rc::gen::inRange<std::size_t>(0, fields.size());
  fields.erase(fields.begin() + std::ptrdiff_t(lost));
  std::string line;
  for (const auto& field : fields) line += field + " ";
  const auto found = decode(
      line + "\n", [] { return std::size_t{1000}; }, with_lengths(false));
  for (std::size_t i = 0; i < found.batch.samples.size(); ++i)
    RC_ASSERT((std::isnan(found.batch.samples[i]) || found.batch.samples[i] == good.batch.samples[i]));
}

/// An instrument: what it sends of its i-th sample.
struct Sender {
  const char* name;
  TextFormat format;
  std::function<std::string(int)> line;  ///< without its end
};

TextFormat format_of(std::size_t n_channels, std::size_t n_soh, std::vector<TextColumn> columns) {
  TextFormat format;
  format.n_channels = n_channels;
  format.n_soh = n_soh;
  format.columns = std::move(columns);
  return format;
}

std::string number(double value, int decimals) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(decimals) << value;
  return out.str();
}
std::string two(int n) { return (n < 10 ? "0" : "") + std::to_string(n); }

std::vector<Sender> senders() {
  using Use = TextColumn::Use;
  const auto form = [](const char* name) { return TextColumn{.use = Use::Form, .name = name}; };
  const auto text = [](const char* name) { return TextColumn{.use = Use::Text, .name = name, .width = std::strlen(name)}; };
  const auto field = [](int i) { return 48600 + i * 37 % 100 + i * 0.13; };
  std::vector<Sender> all;
  all.push_back({"LEMI-424", with_lengths(false), [](int i) { return support::lemi424_line(i); }});
  all.push_back(
      {"GSM-90",
       format_of(1, 1, {form("%m-%d-%Y"), form("%H%M%S"), {.use = Use::Channel, .decimals = 2, .digits = 5}, {.use = Use::Soh}}),
       [=](int i) { return "10-04-2020 0000" + two(i) + " " + number(field(i), 2) + " 99"; }});
  auto gsm19 = format_of(1, 1, {form("%H%M%S"), {.use = Use::Channel, .decimals = 2, .digits = 5}, {.use = Use::Soh}});
  gsm19.time = "host-date";
  gsm19.lengths = {2, 3};
  all.push_back(
      {"GSM-19", gsm19, [=](int i) { return "0000" + two(i) + " " + number(field(i), 2) + (i % 3 == 0 ? "" : " 99"); }});
  auto pos1 = format_of(1, 2,
                        {{.use = Use::Channel, .decimals = 0, .scale = 0.001, .missing = 0, .digits = 8},
                         {.use = Use::Skip},
                         {.use = Use::Soh, .index = 0},
                         text("["),
                         {.use = Use::Soh, .index = 1, .hex = true},
                         text("]"),
                         form("%m-%d-%y"),
                         form("%H:%M:%S")});
  pos1.terminator = "nul";
  all.push_back({"POS-1", pos1, [=](int i) {
                   return std::to_string(static_cast<int>(1000 * field(i))) + " +- 0028 [80] 09-27-13 00:00:" + two(i) + ".00";
                 }});
  auto polled = format_of(1, 0, {{.use = Use::Channel, .decimals = 2, .digits = 5}});
  polled.time = "host";
  all.push_back({"polled", polled, [=](int i) { return number(field(i), 2); }});
  auto unix =
      format_of(2, 1, {form("%s"), {.use = Use::Channel, .decimals = 3}, {.use = Use::Channel, .index = 1}, {.use = Use::Soh}});
  unix.delimiter = ',';
  unix.terminator = "cr";
  all.push_back({"since 1970", unix, [=](int i) {
                   return std::to_string(1'600'000'000 + i) + "," + number(field(i), 3) + "," + number(-i * 1.01, 2) + ",12.5";
                 }});
  unix.lengths = {4};
  all.push_back({"since 1970, lengths", unix, all.back().line});
  TextFormat json = format_of(2, 0,
                              {{.use = Use::Form, .name = "%d %b %Y %H:%M:%S", .key = "ts"},
                               {.use = Use::Channel, .key = "x"},
                               {.use = Use::Channel, .index = 1, .key = "y"}});
  json.json = true;
  all.push_back({"JSON", json, [=](int i) {
                   return "{\"ts\":\"27 Nov 2026 11:00:" + two(i) + "\",\"x\":" + number(field(i), 3) + ",\"y\":-" +
                          std::to_string(i) + "}";
                 }});
  auto nmea = format_of(1, 0, {text("PMX5"), form("%Y-%m-%dT%H:%M:%SZ"), {.use = Use::Channel, .decimals = 2}});
  nmea.delimiter = ';';
  nmea.checksum = "nmea";
  all.push_back({"NMEA", nmea, [=](int i) {
                   const auto inside = "PMX5;2026-11-27T11:00:" + two(i) + "Z;" + number(field(i), 2);
                   unsigned sum = 0;
                   for (const char c : inside) sum ^= static_cast<unsigned char>(c);
                   std::ostringstream out;
                   out << '$' << inside << '*' << std::uppercase << std::hex << std::setw(2) << std::setfill('0') << sum;
                   return out.str();
                 }});
  auto digitizer = format_of(2, 1,
                             {text(":R"),
                              {.use = Use::Skip},
                              form("%y%m%d.%H%M%S"),
                              text("*"),
                              {.use = Use::Channel, .index = 0, .hex = true, .bits = 24, .width = 6},
                              {.use = Use::Channel, .index = 1, .hex = true, .bits = 24, .width = 6},
                              {.use = Use::Skip, .width = 1},
                              text(":"),
                              {.use = Use::Soh, .hex = true, .bits = 16, .width = 4}});
  digitizer.delimiter = ',';
  digitizer.terminator = "cr";
  const auto digitized = [=](int i) {
    std::ostringstream out;
    out << ":R,00,200131.1437" << two(i) << ".617,*" << std::uppercase << std::hex << std::setfill('0') << std::setw(6)
        << static_cast<int>(field(i)) << std::setw(6) << 7919 * i << "L:04AC";
    return out.str();
  };
  all.push_back({"ObsDAQ", digitizer, digitized});
  digitizer.terminator = "none";
  digitizer.line_bytes = digitized(0).size();
  all.push_back({"without an end", digitizer, digitized});
  return all;
}

/// Lines whose end was lost run into the next one. Nothing that no line said comes out, no line twice, and each whole one that
/// begins at the front of a line or shows where it begins comes out.
TEST(TornLine, InventsNothingAndCostsNoWholeLine) {
  constexpr int kLines = 16;
  const char* const environment = std::getenv("MTH5_SEED");
  const auto base = environment != nullptr ? std::strtoul(environment, nullptr, 10) : 0UL;
  for (const auto& sender : senders()) {
    const std::string end = sender.format.terminator == "none"  ? ""
                            : sender.format.terminator == "cr"  ? "\r"
                            : sender.format.terminator == "nul" ? std::string(1, '\0')
                                                                : "\n";
    std::vector<Result> alone;
    for (int i = 0; i < kLines; ++i) {
      alone.push_back(decode(
          sender.line(i) + end, [] { return std::size_t{1000}; }, sender.format));
      ASSERT_EQ(alone.back().counters.frames, 1u) << sender.name;
    }
    std::size_t lost = 0, whole = 0;
    for (unsigned long seed = base; seed < base + 300; ++seed) {
      SCOPED_TRACE(testing::Message{} << sender.name << ", seed " << seed);
      std::mt19937_64 random{seed};
      std::string stream;
      std::vector<bool> torn(kLines);
      for (std::size_t i = 0; i < kLines; ++i) {
        torn[i] = i + 1 < kLines && random() % 3 == 0;
        const auto line = sender.line(static_cast<int>(i));
        stream += torn[i] ? line.substr(0, random() % line.size()) : line + end;
      }
      const auto found = decode(
          stream, [] { return std::size_t{1000}; }, sender.format);
      std::vector<int> seen(kLines);
      const auto n = sender.format.n_channels, n_soh = sender.format.n_soh;
      for (std::size_t k = 0; k < found.batch.frames.size(); ++k) {
        const auto begin = found.batch.samples.begin() + std::ptrdiff_t(k * n);
        const std::vector<double> values{begin, begin + std::ptrdiff_t(n)};
        const auto is = [&](const Result& one) {
          return one.batch.frames[0].time == found.batch.frames[k].time && same_bits(one.batch.samples, values);
        };
        const auto line = std::find_if(alone.begin(), alone.end(), is);
        ASSERT_NE(line, alone.end()) << testing::PrintToString(values) << " in " << testing::PrintToString(stream);
        ++seen[std::size_t(line - alone.begin())];
        for (std::size_t s = 0; s < n_soh; ++s) {
          const double state = found.batch.soh[k * n_soh + s];
          ASSERT_TRUE(std::isnan(state) || state == line->batch.soh[s]) << state << " in " << testing::PrintToString(stream);
        }
      }
      for (std::size_t i = 0; i < kLines; ++i) {
        ASSERT_LE(seen[i], 1) << i << " in " << testing::PrintToString(stream);
        if (torn[i]) continue;
        ++whole;
        lost += std::size_t(seen[i] == 0);
        ASSERT_TRUE(seen[i] == 1 || (i > 0 && torn[i - 1])) << i << " in " << testing::PrintToString(stream);
      }
    }
    // Of lines that begin with a number it is not told whether a sign in front is theirs, nor where digits begin.
    const bool shows = std::string_view{sender.name}.find("1970") == std::string_view::npos;
    EXPECT_LE(double(lost), (shows ? 0.05 : 0.15) * double(whole)) << sender.name;
  }
}

RC_GTEST_PROP(ParseNumber, GivesTheBitsOfStrtod, ()) {
  std::string text = *rc::gen::element<std::string>("", "-", "+");
  const auto digits = [](int from, int to) {
    const auto n = static_cast<std::size_t>(*rc::gen::inRange(from, to));
    return *rc::gen::container<std::string>(n, rc::gen::inRange('0', static_cast<char>('9' + 1)));
  };
  text += digits(1, 24);
  if (*rc::gen::arbitrary<bool>()) text += "." + digits(0, 24);
  if (*rc::gen::inRange(0, 4) == 0) text += "e" + *rc::gen::element<std::string>("", "-", "+") + digits(1, 3);
  double value = 0;
  int decimals = 0;
  const char* const behind = parse_number(text.data(), text.data() + text.size(), value, decimals);
  RC_ASSERT(behind == text.data() + text.size());
  const double expected = std::strtod(text.c_str(), nullptr);
  RC_ASSERT(std::memcmp(&value, &expected, sizeof value) == 0);
}

RC_GTEST_PROP(ParseNumber, ReadsBackWhatAnInstrumentPrints, ()) {
  const auto counts = *rc::gen::inRange<std::int64_t>(-99'999'999'999, 99'999'999'999);
  const auto places = *rc::gen::inRange(0, 9);
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%.*f", places, static_cast<double>(counts) / 1e4);
  double value = 0;
  int decimals = 0;
  RC_ASSERT(parse_number(text, text + length, value, decimals) == text + length);
  RC_ASSERT(decimals == places);
  RC_ASSERT(value == std::strtod(text, nullptr));
}

}  // namespace
