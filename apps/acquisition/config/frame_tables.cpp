#include "acquisition/config/frame_tables.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace daq::config {

namespace {

using decode::Number;
using decode::NumberAt;

constexpr std::int64_t kMostBytes = decode::kMaxFrameBytes;
constexpr std::array<std::string_view, 12> kTypes{"i8",  "u8",  "i16", "u16", "i24", "u24",
                                                  "i32", "u32", "i64", "u64", "f32", "f64"};
constexpr std::string_view kAt = "Bytes from the beginning of the frame, or if negative from its end.";

/// "A5 5A": pairs of hexadecimal digits.
std::optional<std::vector<unsigned char>> parse_hex(std::string_view text) {
  std::vector<unsigned char> bytes;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + std::min<std::size_t>(2, text.size()), value, 16);
    if (error != std::errc{} || end != text.data() + 2) return std::nullopt;
    bytes.push_back(static_cast<unsigned char>(value));
    text.remove_prefix(2);
  }
  return bytes;
}

std::string check_hex(std::string_view text) {
  const auto bytes = parse_hex(text);
  return bytes && !bytes->empty() && bytes->size() <= 64
             ? ""
             : in_quotes(text) + " is not bytes in hexadecimal, such as A5 5A (64 at most)";
}

std::string check_bits(std::string_view text) {
  return parse_bits(text) ? "" : in_quotes(text) + " is not a whole number, 0x and hexadecimal digits, or one character";
}

template <class T, class At>
Key<T> hex_key(std::string_view name, At at, std::string_view meaning) {
  return {name,
          "text",
          "bytes in hexadecimal, such as A5 5A",
          meaning,
          false,
          [=](MapReader& map, T& t) {
            const Node* node = map.map().find(name);
            if (node == nullptr) return static_cast<void>(map.take_any(name));
            at(t) = parse_hex(map.require_text(name, check_hex)).value_or(std::vector<unsigned char>{});
          },
          [](const T&) { return std::string{}; }};
}

template <class T>
Key<T> bits_key(std::string_view name, std::uint64_t T::*at, std::string_view fallback, std::string_view meaning) {
  return {name,
          "whole number",
          "or 0x and hexadecimal digits, or one character",
          meaning,
          false,
          [=](MapReader& map, T& t) {
            if (map.map().find(name) == nullptr) return static_cast<void>(map.take_any(name));
            t.*at = parse_bits(map.require_text(name, check_bits)).value_or(0);
          },
          [=](const T&) { return std::string{fallback}; }};
}

template <class T>
Key<T> number_key(std::string_view name, double T::*at, double low, double high, std::string_view unit,
                  std::string_view meaning) {
  return {name,
          "number",
          format_number(low) + " to " + format_number(high) + (unit.empty() ? "" : " " + std::string{unit}),
          meaning,
          false,
          [=](MapReader& map, T& t) { t.*at = map.number(name, low, high, unit).value_or(t.*at); },
          [=](const T& t) { return format_number(t.*at); }};
}

template <class T>
Key<T> at_key(std::ptrdiff_t T::*at, std::string_view name, std::string_view meaning) {
  return whole_key<T, std::ptrdiff_t>(name, at, -kMostBytes, kMostBytes, "bytes", meaning, true);
}

/// at, type and endian of a number. @param number  of a T
template <class T, class Get>
void add_number(std::vector<Key<T>>& keys, Get number, bool floats, std::string_view at_meaning = kAt) {
  keys.push_back({"at",
                  "whole number",
                  std::to_string(-kMostBytes) + " to " + std::to_string(kMostBytes) + " bytes",
                  at_meaning,
                  true,
                  [=](MapReader& map, T& t) { number(t).at = map.require_whole("at", -kMostBytes, kMostBytes, "bytes"); },
                  {}});
  std::vector<std::string> types{kTypes.begin(), floats ? kTypes.end() : kTypes.end() - 2};
  keys.push_back({"type", "word", alternatives(types), "The number's signedness and bits.", false,
                  [=](MapReader& map, T& t) {
                    const auto word = map.choice("type", std::string{kTypes[std::size_t(number(t).type)]}, types);
                    number(t).type = Number(std::find(kTypes.begin(), kTypes.end(), word) - kTypes.begin());
                  },
                  [=](const T& t) {
                    T copy = t;
                    return std::string{kTypes[std::size_t(number(copy).type)]};
                  }});
  keys.push_back(
      {"endian", "word", "little or big", "Its lowest byte first, or its highest.", false,
       [=](MapReader& map, T& t) {
         number(t).big_endian = map.choice("endian", number(t).big_endian ? "big" : "little", {"little", "big"}) == "big";
       },
       [](const T&) { return std::string{"that of the frame"}; }});
}

template <class T>
Key<T> values_key(std::vector<std::uint64_t> T::*at, std::string_view meaning) {
  return {"values",
          "list",
          "of numbers or characters",
          meaning,
          true,
          [=](MapReader& map, T& t) {
            const Node* list = map.take("values", Node::Kind::Sequence, MapReader::Need::Required);
            if (list == nullptr) return;
            if (list->items.empty()) map.problem(*list, "values", "is an empty list");
            for (const auto& item : list->items) {
              if (auto wrong = check_bits(item.text); !wrong.empty())
                map.problem(item, "values", std::move(wrong));
              else
                (t.*at).push_back(*parse_bits(item.text));
            }
          },
          {}};
}

struct Unit {
  std::string_view name;
  mth5::Nanos length;
};
constexpr std::array<Unit, 4> kUnits{{{"s", std::chrono::seconds{1}},
                                      {"ms", std::chrono::milliseconds{1}},
                                      {"us", std::chrono::microseconds{1}},
                                      {"ns", mth5::Nanos{1}}}};

std::string check_shift(std::string_view text) {
  const auto shift = parse_duration(text.starts_with('-') ? text.substr(1) : text);
  return shift && *shift <= std::chrono::hours{24} ? "" : in_quotes(text) + " is not a duration up to a day, such as -300ms";
}

std::string check_epoch(std::string_view text) { return check_time(text, "1970-01-01"); }

std::vector<std::string> rule_names() {
  std::vector<std::string> names;
  for (const auto& check : decode::named_checks()) names.emplace_back(check.name);
  names.emplace_back("crc");
  return names;
}

template <class T>
Key<T> rule_key(std::string_view name, std::uint32_t decode::CheckRule::*at, std::string_view meaning) {
  return {name,
          "whole number",
          "or 0x and hexadecimal digits",
          meaning,
          false,
          [=](MapReader& map, T& t) {
            const Node* node = map.map().find(name);
            if (node == nullptr) return static_cast<void>(map.take_any(name));
            const auto value = parse_bits(map.require_text(name, check_bits)).value_or(0);
            if (value > std::numeric_limits<std::uint32_t>::max())
              map.problem(*node, name, in_quotes(node->text) + " has more than 32 bits");
            t.custom.*at = static_cast<std::uint32_t>(value);
          },
          [](const T&) { return std::string{"that of the rule"}; }};
}

template <class T>
Key<T> reflect_key(std::string_view name, bool decode::CheckRule::*at, std::string_view meaning) {
  return {name,
          "word",
          "true or false",
          meaning,
          false,
          [=](MapReader& map, T& t) { t.custom.*at = map.flag(name, t.custom.*at); },
          [](const T&) { return std::string{"that of the rule"}; }};
}

}  // namespace

std::optional<std::uint64_t> parse_bits(std::string_view text) {
  if (text.size() == 1 && (text[0] < '0' || text[0] > '9')) return static_cast<unsigned char>(text[0]);
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

const Section<decode::FrameFormat>& frame_keys() {
  using decode::FrameFormat;
  static const Section<FrameFormat> keys{
      "profile.frame",
      {{"confirm_frames", "whole number", "1 to " + std::to_string(decode::kMaxConfirm) + " frames",
        "So many good frames must follow one another before the first is believed; those behind them are believed as long as "
        "they follow. One is enough where it has a check of 16 bits or more that is named, or has shown by vote. By default 1 "
        "where all kinds have such a check, else 3.",
        false,
        [](MapReader& map, FrameFormat& format) {
          format.confirm_frames =
              std::size_t(map.whole("confirm_frames", std::int64_t(format.confirm_frames), 1, decode::kMaxConfirm, "frames"));
        },
        [](const FrameFormat&) { return std::string{"1 or 3"}; }}}};
  return keys;
}

const Section<FrameKindKeys>& frame_kind_keys() {
  using T = FrameKindKeys;
  const auto length = [](std::string_view name, std::size_t decode::FrameKind::*at, std::int64_t most, std::string_view unit,
                         std::string_view meaning) {
    return Key<T>{name,
                  "whole number",
                  "1 to " + std::to_string(most) + " " + std::string{unit},
                  meaning,
                  false,
                  [=](MapReader& map, T& t) {
                    if (map.map().find(name) == nullptr) return static_cast<void>(map.take_any(name));
                    t.kind.*at = std::size_t(map.require_whole(name, 1, most, unit));
                  },
                  [](const T&) { return std::string{}; }};
  };
  static const Section<T> keys{
      "profile.frame",
      {
          {"name", "text", "", "Of this kind of frame, in messages.", false,
           [](MapReader& map, T& t) {
             t.kind.name = map.text("name", t.kind.name,
                                    [](std::string_view text) { return text.empty() ? std::string{"is an empty text"} : ""; });
           },
           [](const T& t) { return t.kind.name; }},
          hex_key<T>(
              "sync", [](T & t) -> auto& { return t.kind.sync.bytes; }, "The first bytes of a frame."),
          hex_key<T>(
              "sync_mask", [](T & t) -> auto& { return t.kind.sync.mask; },
              "The bits of them that are always the same; by default all."),
          hex_key<T>(
              "trailer", [](T & t) -> auto& { return t.kind.trailer.bytes; }, "The last bytes of a frame."),
          hex_key<T>(
              "trailer_mask", [](T & t) -> auto& { return t.kind.trailer.mask; }, "As sync_mask."),
          length("length", &decode::FrameKind::length, kMostBytes, "bytes",
                 "The length of all frames; else length_field or until says it."),
          length("max_length", &decode::FrameKind::max_length, kMostBytes, "bytes",
                 "With length_field and until: nothing is believed to be longer, whatever comes. Memory is bounded by it."),
          hex_key<T>(
              "until", [](T & t) -> auto& { return t.kind.until; },
              "A frame ends with the first of these bytes, such as 0D 0A: for lines of text between binary frames."),
          {"endian", "word", "little or big", "Of all numbers of the frame that do not say it themselves.", false,
           [](MapReader& map, T& t) {
             t.big_endian = map.choice("endian", t.big_endian ? "big" : "little", {"little", "big"}) == "big";
           },
           [](const T&) { return std::string{"little; under others that of the first frame"}; }},
          length("per_frame", &decode::FrameKind::per_frame, 65536, "samples",
                 "Samples of each channel in a frame. Not given: as many rows of samples as there are before what stands at the "
                 "end."),
      }};
  return keys;
}

const Section<decode::FrameMatch>& frame_match_keys() {
  using T = decode::FrameMatch;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.match[]", {}};
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.number; }, false);
    s.keys.push_back(bits_key<T>("mask", &T::mask, "all bits", "Bits of the number that count."));
    s.keys.push_back({"value",
                      "whole number",
                      "or 0x and hexadecimal digits, or one character",
                      "What it must be, else the frame is of another kind.",
                      true,
                      [](MapReader& map, T& t) { t.value = parse_bits(map.require_text("value", check_bits)).value_or(0); },
                      {}});
    return s;
  }();
  return keys;
}

const Section<decode::FrameKind::LengthField>& frame_length_keys() {
  using T = decode::FrameKind::LengthField;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.length_field", {}};
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.number; }, false);
    s.keys.push_back(
        whole_key<T>("add", &T::add, 0, kMostBytes, "bytes", "What the number does not count: header, check, trailer."));
    return s;
  }();
  return keys;
}

const Section<FrameCheckKeys>& frame_check_keys() {
  using T = FrameCheckKeys;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.check", {}};
    s.keys.push_back(
        {"rule",
         "word or list",
         alternatives(rule_names()),
         "How it is computed; crc: by bits and poly. A list of names: which one it is shows by vote. Until one fits 95 of "
         "100 frames and no other does, frames are not checked; mth5d --try shows the votes.",
         true,
         [](MapReader& map, T& t) {
           const Node* node = map.take_any("rule", MapReader::Need::Required);
           if (node == nullptr) return;
           const auto names = rule_names();
           const auto one = [&](const Node& item) {
             if (item.kind == Node::Kind::Scalar && std::find(names.begin(), names.end(), item.text) != names.end())
               return t.rules.push_back(item.text);
             auto near = did_you_mean(item.text, names);
             map.problem(item, "rule",
                         in_quotes(item.text) + " is not a rule" + (near.empty() ? "; known: " + alternatives(names) : near));
           };
           if (node->kind == Node::Kind::Sequence) {
             if (node->items.empty()) map.problem(*node, "rule", "is an empty list");
             for (const auto& item : node->items) one(item);
           } else
             one(*node);
         },
         {}});
    s.keys.push_back({"from", "whole number", "bytes", "The first byte that it covers; negative: from the end.", false,
                      [](MapReader& map, T& t) { t.check.from = map.whole("from", 0, -kMostBytes, kMostBytes, "bytes"); },
                      [](const T&) { return std::string{"0"}; }});
    s.keys.push_back({"to", "whole number", "bytes", "The first byte behind them; negative: from the end.", false,
                      [](MapReader& map, T& t) { t.check.to = map.whole("to", t.check.at, -kMostBytes, kMostBytes, "bytes"); },
                      [](const T&) { return std::string{"at"}; }});
    s.keys.insert(s.keys.end() - 1,
                  {"at",
                   "whole number",
                   "bytes",
                   "Where it stands; negative: from the end.",
                   true,
                   [](MapReader& map, T& t) { t.check.at = map.require_whole("at", -kMostBytes, kMostBytes, "bytes"); },
                   {}});
    s.keys.push_back(
        {"endian", "word", "little or big",
         "Its lowest byte first, or its highest. Of fletcher8 the first sum always stands first.", false,
         [](MapReader& map, T& t) {
           t.check.big_endian = map.choice("endian", t.check.big_endian ? "big" : "little", {"little", "big"}) == "big";
         },
         [](const T&) { return std::string{"that of the frame"}; }});
    s.keys.push_back({"encoding", "word", "binary or hex", "hex: as two digits a byte.", false,
                      [](MapReader& map, T& t) {
                        t.check.hex = map.choice("encoding", "binary", {"binary", "hex"}) == "hex";
                      },
                      [](const T&) { return std::string{"binary"}; }});
    s.keys.push_back({"bits", "whole number", "8 to 32 bits", "Of a rule crc.", false,
                      [](MapReader& map, T& t) { t.custom.bits = unsigned(map.whole("bits", 16, 8, 32, "bits")); },
                      [](const T&) { return std::string{"16"}; }});
    s.keys.push_back(rule_key<T>("poly", &decode::CheckRule::poly, "Of a rule crc: its polynomial, without the highest bit."));
    s.keys.push_back(rule_key<T>("init", &decode::CheckRule::init, "What it begins with."));
    s.keys.push_back(rule_key<T>("xor_out", &decode::CheckRule::xor_out, "What the result is combined with."));
    s.keys.push_back(
        reflect_key<T>("reflect_in", &decode::CheckRule::reflect_in, "Of a rule crc: bytes go in with their lowest bit first."));
    s.keys.push_back(
        reflect_key<T>("reflect_out", &decode::CheckRule::reflect_out, "Of a rule crc: the result is turned round."));
    return s;
  }();
  return keys;
}

const Section<decode::FrameCounter>& frame_counter_keys() {
  using T = decode::FrameCounter;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.counter", {}};
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.number; }, false);
    s.keys.push_back({"modulus", "whole number", "2 to what its type can hold", "It goes from modulus - 1 to 0.", false,
                      [](MapReader& map, T& t) {
                        const auto bits = 8 * decode::size_of(t.number.type);
                        t.modulus = bits == 64 ? 0 : std::uint64_t{1} << bits;
                        const auto most = bits == 64 ? std::numeric_limits<std::int64_t>::max() : std::int64_t{1} << bits;
                        if (map.map().find("modulus") != nullptr)
                          t.modulus = std::uint64_t(map.require_whole("modulus", 2, most, ""));
                      },
                      [](const T&) { return std::string{"what its type can hold"}; }});
    s.keys.push_back({"counts", "word", "frames or samples", "What it counts; samples: it is that of the first one.", false,
                      [](MapReader& map, T& t) {
                        t.of_samples = map.choice("counts", "frames", {"frames", "samples"}) == "samples";
                      },
                      [](const T&) { return std::string{"frames"}; }});
    return s;
  }();
  return keys;
}

const Section<decode::FrameTime>& frame_time_keys() {
  using T = decode::FrameTime;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.time", {}};
    s.keys.push_back({"form", "word", "number or bcd",
                      "number: so many units since the epoch. bcd: six bytes of two digits each, year (20yy), month, day, hour, "
                      "minute, second.",
                      false,
                      [](MapReader& map, T& t) {
                        t.bcd = map.choice("form", "number", {"number", "bcd"}) == "bcd";
                      },
                      [](const T&) { return std::string{"number"}; }});
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.number; }, true);
    s.keys.push_back(
        {"unit", "word", "s, ms, us or ns", "Of the number.", false,
         [](MapReader& map, T& t) {
           const auto word = map.choice("unit", "s", {"s", "ms", "us", "ns"});
           t.unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.name == word; })->length;
         },
         [](const T&) { return std::string{"s"}; }});
    s.keys.push_back({"epoch", "date", "a date or time, UTC",
                      "When the number was 0. Where it comes to the end of its type and begins anew (u32 of ms: after 49 days) "
                      "the time goes on, if the source was not off for longer than an hour there; a restart of mth5d takes the "
                      "number as it is. Leap seconds that its clock counts belong into shift.",
                      false,
                      [](MapReader& map, T& t) {
                        const auto text = map.text("epoch", "1970-01-01T00:00:00Z", check_epoch);
                        t.epoch = mth5::parse_time(text).value_or(mth5::UtcNanos{});
                      },
                      [](const T&) { return std::string{"1970-01-01T00:00:00Z"}; }});
    s.keys.push_back({"shift", "time", "-1d to 1d", "Is added: what lies between the time and the sample.", false,
                      [](MapReader& map, T& t) {
                        const auto text = map.text("shift", "0s", check_shift);
                        const bool back = text.starts_with('-');
                        const auto length = parse_duration(back ? std::string_view{text}.substr(1) : std::string_view{text});
                        t.shift = length ? back ? -*length : *length : mth5::Nanos{0};
                      },
                      [](const T&) { return std::string{"0s"}; }});
    s.keys.push_back({"stamps", "word", "first or last", "Which sample of the frame it is the time of.", false,
                      [](MapReader& map, T& t) {
                        t.of_last_sample = map.choice("stamps", "first", {"first", "last"}) == "last";
                      },
                      [](const T&) { return std::string{"first"}; }});
    s.keys.push_back(
        {"clock", "word", "gps or device", "Whose time it is where locked does not say it.", false,
         [](MapReader& map, T& t) {
           t.kind = map.choice("clock", "gps", {"gps", "device"}) == "gps" ? decode::TimeKind::Gps : decode::TimeKind::Device;
         },
         [](const T&) { return std::string{"gps"}; }});
    s.keys.push_back(time_key<T>("resolution", &T::resolution, mth5::Nanos{0}, std::chrono::hours{1},
                                 "Times are cut to this step, such as whole seconds at 10 Hz. 0s: to their unit, or a tick. "
                                 "1ns: they are exact."));
    return s;
  }();
  return keys;
}

const Section<FrameTicksKeys>& frame_ticks_keys() {
  using T = FrameTicksKeys;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.time.ticks", {}};
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.number; }, false);
    s.keys.push_back({"rate", "number", "0.001 to 1e9 Hz", "Ticks in a second; they are added to the time.", false,
                      [](MapReader& map, T& t) { t.rate_hz = map.number("rate", 0.001, 1e9, "Hz").value_or(t.rate_hz); },
                      [](const T&) { return std::string{"the sample rate"}; }});
    return s;
  }();
  return keys;
}

const Section<decode::FrameLock>& frame_locked_keys() {
  using T = decode::FrameLock;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.locked", {}};
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.number; }, false);
    s.keys.push_back(bits_key<T>("mask", &T::mask, "all bits", "Bits of the number that count."));
    s.keys.push_back(
        values_key<T>(&T::values, "With one of these the time is that of the GPS, else that of the instrument's own clock."));
    return s;
  }();
  return keys;
}

const Section<FrameSamplesKeys>& frame_samples_keys() {
  using T = FrameSamplesKeys;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.samples", {}};
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.block.first; }, true, "The first sample: bytes from the beginning of the frame.");
    s.keys.push_back({"layout", "word", "interleaved or planar",
                      "All channels of a sample side by side, or all samples of a channel.", false,
                      [](MapReader& map, T& t) {
                        t.planar = map.choice("layout", "interleaved", {"interleaved", "planar"}) == "planar";
                      },
                      [](const T&) { return std::string{"interleaved"}; }});
    s.keys.push_back({"stride", "whole number", "0 to " + std::to_string(kMostBytes) + " bytes",
                      "Interleaved: from one sample of a channel to the next; 0: one value for all samples of the frame. Planar: "
                      "from one channel to the next.",
                      false,
                      [](MapReader& map, T& t) {
                        if (map.map().find("stride") == nullptr) return static_cast<void>(map.take_any("stride"));
                        t.stride = map.require_whole("stride", 0, kMostBytes, "bytes");
                      },
                      [](const T&) { return std::string{"without space between"}; }});
    s.keys.push_back({"offset_binary", "word", "true or false", "0 is the most negative value.", false,
                      [](MapReader& map, T& t) { t.block.offset_binary = map.flag("offset_binary", false); },
                      [](const T&) { return std::string{"false"}; }});
    s.keys.push_back(
        number_key<T>("scale", &T::scale, -1e15, 1e15, "",
                      "What is stored: number * scale + offset. A channel may have its own: {channel: bx, scale: -1}."));
    s.keys.push_back(number_key<T>("offset", &T::offset, -1e15, 1e15, "", "As scale."));
    return s;
  }();
  return keys;
}

const Section<FrameFieldKeys>& frame_field_keys() {
  using T = FrameFieldKeys;
  static const Section<T> keys = [] {
    Section<T> s{"profile.frame.fields[]", {}};
    s.keys.push_back({"soh",
                      "text",
                      "a name in state_of_health",
                      "What it is.",
                      true,
                      [](MapReader& map, T& t) { t.soh = map.text("soh", MapReader::Need::Required).value_or(""); },
                      {}});
    add_number<T>(
        s.keys, [](T & t) -> auto& { return t.field.number; }, true);
    s.keys.push_back({"mask", "whole number", "or 0x and hexadecimal digits",
                      "Bits of the number that count, moved to its lower end.", false,
                      [](MapReader& map, T& t) {
                        if (map.map().find("mask") == nullptr) return static_cast<void>(map.take_any("mask"));
                        t.field.mask = parse_bits(map.require_text("mask", check_bits)).value_or(0);
                      },
                      [](const T&) { return std::string{"all bits"}; }});
    s.keys.push_back({"scale", "number", "-1e15 to 1e15", "What is kept: number * scale + offset.", false,
                      [](MapReader& map, T& t) { t.field.scale = map.number("scale", -1e15, 1e15, "").value_or(1); },
                      [](const T&) { return std::string{"1"}; }});
    s.keys.push_back({"offset", "number", "-1e15 to 1e15", "As scale.", false,
                      [](MapReader& map, T& t) { t.field.offset = map.number("offset", -1e15, 1e15, "").value_or(0); },
                      [](const T&) { return std::string{"0"}; }});
    s.keys.push_back(
        {"values", "map", "number or character: number", "What the number stands for; one that is not here is not known.", false,
         [](MapReader& map, T& t) {
           const Node* values = map.take("values", Node::Kind::Map);
           if (values == nullptr) return;
           for (std::size_t i = 0; i < values->keys.size(); ++i) {
             const auto bits = parse_bits(values->keys[i].text);
             const auto number = values->items[i].kind == Node::Kind::Scalar ? parse_number(values->items[i].text) : std::nullopt;
             if (bits && number)
               t.field.values.emplace_back(*bits, *number);
             else
               map.problem(values->items[i], "values",
                           in_quotes(values->keys[i].text) + ": " + in_quotes(values->items[i].text) +
                               " is not a number or character with a number");
           }
         },
         [](const T&) { return std::string{}; }});
    return s;
  }();
  return keys;
}

void describe_frame_keys(std::vector<KeyText>& out) {
  frame_keys().describe(out);
  frame_kind_keys().describe(out);
  frame_match_keys().describe(out);
  frame_length_keys().describe(out);
  frame_check_keys().describe(out);
  frame_counter_keys().describe(out);
  frame_time_keys().describe(out);
  frame_ticks_keys().describe(out);
  frame_locked_keys().describe(out);
  frame_samples_keys().describe(out);
  frame_field_keys().describe(out);
}

}  // namespace daq::config
