#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>

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
