#pragma once

#include <vector>

#include "decoder_check.hpp"
#include "support/lemi424.hpp"

/// The text decoder on any bytes.
namespace fuzz {

/// What must hold for a line of text beside what holds for all decoders. @returns frames found
inline std::uint64_t check_text_decoder(const daq::decode::Description& description, std::string_view text) {
  const auto& format = std::get<daq::decode::TextFormat>(description);
  return check_decoder(description, text, [&](const auto& decoder, const auto& out, std::size_t fed) {
    const auto& c = decoder.counters();
    require(c.bytes_pending <= format.max_line, "memory is bounded by the longest line");
    require(c.frames == out.frames.size() && out.samples.size() == out.frames.size() * format.n_channels,
            "every line is a frame");
    require(decoder.refusals().size() <= daq::decode::Refusals::kKept, "not more examples than are kept");
    for (const auto& refusal : decoder.refusals())
      require(refusal.offset < fed && refusal.line > 0 && refusal.excerpt.size() <= daq::decode::kExcerpt,
              "an example has a place");
  });
}

/// The recorded format in three strictnesses, one with commas whose time comes last, ones with times by a form, one with a
/// checksum, one of JSON, ones of fixed widths, and one that begins with a number.
inline std::vector<daq::decode::Description> make_text_formats() {
  using Use = daq::decode::TextColumn::Use;
  daq::decode::TextFormat commas;
  commas.delimiter = ',';
  commas.comment = ';';
  commas.max_line = 100;
  commas.n_channels = 2;
  commas.n_soh = 1;
  commas.columns = {
      {Use::Skip},   {Use::Channel, 0}, {Use::Channel, 1, false, 2}, {Use::Year},         {Use::Month}, {Use::Day}, {Use::Hour},
      {Use::Minute}, {Use::Second},     {Use::Soh, 0, true},         {Use::Hemisphere, 0}};
  daq::decode::TextFormat forms;
  forms.max_line = 80;
  forms.n_channels = 1;
  forms.n_soh = 1;
  forms.columns = {
      {Use::Form, 0, false, -1, "%m-%d-%Y"}, {Use::Form, 0, false, -1, "%H%M%S"}, {Use::Channel, 0, false, 2}, {Use::Soh, 0}};
  auto lengths = support::lemi424_format();
  lengths.lengths = {16, 24};
  commas.lengths = {9, 11};
  auto other = forms;
  other.terminator = "cr";
  other.header_lines = 3;
  other.decimal = "comma";
  other.columns[0].name = "%s";
  other.columns[1] = {.use = Use::Channel, .index = 1, .hex = true, .bits = 24};
  other.n_channels = 2;
  auto nmea = commas;
  nmea.checksum = "nmea";
  nmea.lengths.clear();
  nmea.terminator = "nul";
  daq::decode::TextFormat json;
  json.json = true;
  json.max_line = 200;
  json.n_channels = 2;
  json.n_soh = 1;
  json.columns = {{.use = Use::Form, .name = "%d %b %Y %H:%M:%S", .key = "ts"},
                  {.use = Use::Channel, .index = 0, .key = "x"},
                  {.use = Use::Channel, .index = 1, .key = "field.1"},
                  {.use = Use::Soh, .key = "rt"}};
  // Columns of a width, texts, answers; and the same in lines of so many bytes.
  daq::decode::TextFormat fixed;
  fixed.delimiter = ',';
  fixed.comment = '%';
  fixed.max_line = 100;
  fixed.n_channels = 3;
  fixed.n_soh = 2;
  fixed.columns = {{.use = Use::Text, .name = ":R", .width = 2},
                   {.use = Use::Form, .name = "%y%m%d.%H%M%S"},
                   {.use = Use::Text, .name = "*", .width = 1},
                   {.use = Use::Channel, .index = 0, .hex = true, .bits = 24, .width = 6},
                   {.use = Use::Channel, .index = 1, .width = 5, .scale = 1e300, .missing = 0},
                   {.use = Use::Skip, .width = 1},
                   {.use = Use::Channel, .index = 2, .offset = -1},
                   {.use = Use::Text, .name = "[", .width = 1},
                   {.use = Use::Soh, .index = 0}};
  fixed.answers = {{"%L1 =", "l1", 1}, {"%", "l", 1}};
  auto unended = fixed;
  unended.terminator = "none";
  unended.line_bytes = 40;
  auto milliseconds = forms;
  milliseconds.columns[0].name = "%Q";
  milliseconds.columns[1] = {.use = Use::Soh, .index = 0};
  milliseconds.columns[3] = {.use = Use::Skip, .width = 3};
  auto first = forms;  // a number comes first, and says by its digits where a line begins
  first.columns = {
      {.use = Use::Channel, .decimals = 2, .missing = 0, .digits = 5}, forms.columns[0], forms.columns[1], {Use::Soh, 0}};
  auto strict = lengths;
  strict.strict = true;
  return {first, fixed, unended, milliseconds, other, nmea, json, lengths, strict, support::lemi424_format(), commas, forms};
}

inline const std::vector<daq::decode::Description>& text_formats() {
  static const auto all = make_text_formats();
  return all;
}

inline std::uint64_t check_text_decoders(std::string_view text) {
  std::uint64_t frames = 0;
  for (const auto& format : text_formats()) frames += check_text_decoder(format, text);
  return frames;
}

}  // namespace fuzz
