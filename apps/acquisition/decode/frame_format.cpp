#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/frame_reader.hpp"
#include "acquisition/decode/strong_check.hpp"

/// What can be said of a format without any bytes.
namespace daq::decode {

namespace {

/// How far things with fixed places reach into a frame from its two ends.
struct Reach {
  std::size_t front = 0, back = 0;

  void take(std::ptrdiff_t at, std::size_t size) {
    if (at < 0)
      back = std::max(back, static_cast<std::size_t>(-at));
    else
      front = std::max(front, static_cast<std::size_t>(at) + size);
  }
  void take(const NumberAt& number) { take(number.at, size_of(number.type)); }
};

std::size_t wire_size(const FrameCheck& check) { return (check.rule.bits + 7) / 8 * (check.hex ? 2 : 1); }

Reach reach(const FrameKind& kind) {
  Reach reach{kind.sync.bytes.size(), kind.trailer.bytes.size()};
  for (const auto& match : kind.match) reach.take(match.number);
  if (kind.length_field) reach.take(kind.length_field->number);
  for (const auto& check : kind.checks) {
    reach.take(check.at, wire_size(check));
    reach.take(check.from, 0);
    reach.take(check.to, 0);
  }
  if (kind.counter) reach.take(kind.counter->number);
  if (kind.time) {
    reach.take(kind.time->number.at, kind.time->bcd ? 6 : size_of(kind.time->number.type));
    if (kind.time->ticks) reach.take(*kind.time->ticks);
  }
  if (kind.lock) reach.take(kind.lock->number);
  for (const auto& field : kind.fields) reach.take(field.number);
  for (const auto& block : kind.samples) {
    const std::size_t rows = kind.per_frame == 0 ? 0 : kind.per_frame - 1;
    const std::size_t slots = block.slots.empty() ? 0 : block.slots.size() - 1;
    const bool open = kind.per_frame == 0 && block.row_step != 0;  // rows that may be none
    reach.take(block.first.at, open ? 0 : rows * block.row_step + slots * block.slot_step + size_of(block.first.type));
  }
  return reach;
}

std::string bytes(std::size_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

/// Why something does not lie in a frame of fixed length, or before or behind what varies; "" = it does.
std::string outside(const FrameKind& kind, const std::string& what, std::ptrdiff_t at, std::size_t size) {
  const auto place = what + " at " + std::to_string(at) + " (" + bytes(size) + ") ";
  const auto from_end = at < 0 ? static_cast<std::size_t>(-at) : 0;
  if (at < 0 && from_end < size) return place + "ends behind the frame; at: -" + std::to_string(size) + " is its last place";
  if (kind.length == 0) return "";
  const auto length = ", whose length is " + bytes(kind.length) + "; change at or length";
  if (at < 0) return from_end <= kind.length ? "" : place + "begins before the frame" + length;
  const auto end = static_cast<std::size_t>(at) + size;
  return end <= kind.length ? "" : place + "ends " + bytes(end - kind.length) + " behind the frame" + length;
}

/// As outside(), of a number.
std::string misplaced(const FrameKind& kind, const std::string& what, const NumberAt& number) {
  return outside(kind, what, number.at, size_of(number.type));
}

/// As misplaced(), of a number that is used bit by bit.
std::string no_integer(const FrameKind& kind, const std::string& what, const NumberAt& number) {
  return is_float(number.type) ? what + " at " + std::to_string(number.at) + " is f32 or f64; it must be a whole number"
                               : misplaced(kind, what, number);
}

struct Part {
  std::string what;
  std::ptrdiff_t at;
  std::size_t size;
};

/// Where a part lies from the frame's beginning; nullopt where that varies.
std::optional<std::ptrdiff_t> from_front(const FrameKind& kind, std::ptrdiff_t at) {
  if (at >= 0) return at;
  return kind.length == 0 ? std::nullopt : std::optional{at + static_cast<std::ptrdiff_t>(kind.length)};
}

bool overlap(const FrameKind& kind, const Part& a, const Part& b) {
  const auto first = from_front(kind, a.at), second = from_front(kind, b.at);
  if (first.has_value() != second.has_value()) return false;  // how far they are from one another varies
  const auto from = first.value_or(a.at), other = second.value_or(b.at);
  return from < other + static_cast<std::ptrdiff_t>(b.size) && other < from + static_cast<std::ptrdiff_t>(a.size);
}

/// What has bytes of its own. State of health, locked and match may be bits of anything.
std::vector<Part> parts_of(const FrameKind& kind) {
  std::vector<Part> parts;
  const auto add = [&](std::string what, const NumberAt& number) {
    parts.push_back({std::move(what), number.at, size_of(number.type)});
  };
  if (!kind.sync.bytes.empty()) parts.push_back({"sync", 0, kind.sync.bytes.size()});
  if (!kind.trailer.bytes.empty()) {
    const auto size = kind.trailer.bytes.size();
    parts.push_back({"trailer", -static_cast<std::ptrdiff_t>(size), size});
  }
  if (kind.length_field) add("length_field", kind.length_field->number);
  if (kind.counter) add("counter", kind.counter->number);
  if (kind.time) {
    if (kind.time->bcd)
      parts.push_back({"time", kind.time->number.at, 6});
    else
      add("time", kind.time->number);
    if (kind.time->ticks) add("ticks", *kind.time->ticks);
  }
  if (!kind.checks.empty()) parts.push_back({"check", kind.checks.front().at, wire_size(kind.checks.front())});
  return parts;
}

std::string place_of(const Part& part) { return part.what + " at " + std::to_string(part.at) + " (" + bytes(part.size) + ")"; }

/// Samples that would be read out of another part of the frame.
std::string check_place_of_samples(const FrameKind& kind, const FrameSamples& block, const std::string& name, const Part& part) {
  const auto from = from_front(kind, part.at);
  if (!from) return "";
  const auto behind = *from + static_cast<std::ptrdiff_t>(part.size);
  const auto size = static_cast<std::ptrdiff_t>(size_of(block.first.type)), step = static_cast<std::ptrdiff_t>(block.row_step);
  const bool open = kind.per_frame == 0 && kind.length == 0;  // as many rows as come
  const auto rows = static_cast<std::ptrdiff_t>(step == 0 ? 1 : most_rows(kind));
  for (std::size_t slot = 0; slot < block.slots.size(); ++slot) {
    if (block.slots[slot].skip) continue;
    const auto first = block.first.at + static_cast<std::ptrdiff_t>(slot * block.slot_step);
    // The first row that does not end before the part.
    const auto row = first + size > *from || step == 0 ? 0 : (*from - first - size) / step + 1;
    if ((open || row < rows) && first + row * step < behind && first + row * step + size > *from)
      return name + " at " + std::to_string(block.first.at) + " take bytes of " + place_of(part) + " in row " +
             std::to_string(row);
  }
  return "";
}

/// Parts of a frame that cannot both be there.
std::string check_places(const FrameKind& kind) {
  const auto parts = parts_of(kind);
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (overlap(kind, parts[i], parts[j])) return place_of(parts[i]) + " stands in the bytes of " + place_of(parts[j]);
  for (std::size_t i = 0; i < kind.samples.size(); ++i)
    for (const auto& part : parts)
      if (auto wrong = check_place_of_samples(kind, kind.samples[i], "samples[" + std::to_string(i) + "]", part); !wrong.empty())
        return wrong;
  return "";
}

/// Bits that are the same in each frame: by sync, trailer and match.
class KnownBits {
 public:
  explicit KnownBits(const FrameKind& kind) : kind_{kind} {}

  /// @returns what is wrong with them
  std::string add(const Marker& marker, std::ptrdiff_t at, const std::string& by) {
    for (std::size_t i = 0; i < marker.bytes.size(); ++i) {
      const unsigned mask = marker.mask.empty() ? 0xFF : marker.mask[i];
      if (auto wrong = add(at + static_cast<std::ptrdiff_t>(i), mask, marker.bytes[i], by); !wrong.empty()) return wrong;
    }
    return "";
  }
  std::string add(const FrameMatch& match, const std::string& by) {
    const auto size = size_of(match.number.type);
    for (std::size_t i = 0; i < size; ++i) {
      const auto shift = 8 * (match.number.big_endian ? size - 1 - i : i);
      if (auto wrong =
              add(match.number.at + static_cast<std::ptrdiff_t>(i), match.mask >> shift & 0xFF, match.value >> shift & 0xFF, by);
          !wrong.empty())
        return wrong;
    }
    return "";
  }
  /// Who fixes bits of a number; "" = nobody.
  [[nodiscard]] std::string who_fixes(const NumberAt& number) const {
    for (std::size_t i = 0; i < size_of(number.type); ++i) {
      const auto found = bytes_.find(key(number.at + static_cast<std::ptrdiff_t>(i)));
      if (found != bytes_.end() && found->second.mask != 0) return found->second.by;
    }
    return "";
  }

 private:
  struct Byte {
    std::uint64_t mask = 0, value = 0;
    std::string by;
  };
  using Key = std::pair<bool, std::ptrdiff_t>;  ///< from the end

  [[nodiscard]] Key key(std::ptrdiff_t at) const {
    const auto front = from_front(kind_, at);
    return {!front.has_value(), front.value_or(at)};
  }
  std::string add(std::ptrdiff_t at, std::uint64_t mask, std::uint64_t value, const std::string& by) {
    auto& byte = bytes_[key(at)];
    if ((byte.mask & mask & (byte.value ^ value)) != 0)
      return by + " wants another value at " + std::to_string(at) + " than " + byte.by + "; no frame would be of this kind";
    byte.mask |= mask;
    byte.value |= value & mask;
    if (mask != 0) byte.by = by;
    return "";
  }

  const FrameKind& kind_;
  std::map<Key, Byte> bytes_;
};

std::string check_known_bits(const FrameKind& kind) {
  KnownBits known{kind};
  if (auto wrong = known.add(kind.sync, 0, "sync"); !wrong.empty()) return wrong;
  if (auto wrong = known.add(kind.trailer, -static_cast<std::ptrdiff_t>(kind.trailer.bytes.size()), "trailer"); !wrong.empty())
    return wrong;
  for (std::size_t i = 0; i < kind.match.size(); ++i)
    if (auto wrong = known.add(kind.match[i], "match[" + std::to_string(i) + "]"); !wrong.empty()) return wrong;
  if (!kind.counter) return "";
  const auto by = known.who_fixes(kind.counter->number);
  return by.empty() ? ""
                    : by + " fixes bits of the counter at " + std::to_string(kind.counter->number.at) +
                          ", which goes on with each frame";
}

std::string check_check(const FrameKind& kind, const FrameCheck& check) {
  if (auto wrong = outside(kind, "check", check.at, wire_size(check)); !wrong.empty()) return wrong;
  const auto length = static_cast<std::ptrdiff_t>(least_length(kind));
  const auto absolute = [&](std::ptrdiff_t at) { return at < 0 ? length + at : at; };
  const auto from = absolute(check.from), to = check.to > 0 ? check.to : length + check.to, at = absolute(check.at);
  const auto end = at + static_cast<std::ptrdiff_t>(wire_size(check));
  const auto range = [](std::ptrdiff_t begin, std::ptrdiff_t behind) {
    return std::to_string(begin) + " to " + std::to_string(behind);
  };
  if (from < 0 || from >= to || to > length)
    return "check covers no bytes of it: from " + range(from, to) + " of " + std::to_string(length) + "; change from or to";
  if (at < to && end > from)
    return "check covers itself: it stands at " + range(at, end) + ", and covers " + range(from, to) +
           "; end with to: " + std::to_string(check.at) + " before it";
  return "";
}

std::string check_samples(const FrameKind& kind, std::size_t n_channels) {
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < kind.samples.size(); ++i) {
    const auto& block = kind.samples[i];
    const auto name = "samples[" + std::to_string(i) + "]";
    if (block.slots.empty()) return name + " has no channels";
    if (block.first.at < 0) return name + " at " + std::to_string(block.first.at) + ": count from the frame's beginning";
    for (const auto& slot : block.slots)
      if (!slot.skip && (slot.channel >= n_channels || !seen.insert(slot.channel).second))
        return name + " has a channel that is not there, or one that has samples already";
    if (kind.per_frame == 0) {
      const std::size_t row = (block.slots.size() - 1) * block.slot_step + size_of(block.first.type);
      if ((i == 0) != (block.row_step != 0) || (i == 0 && row > block.row_step))
        return "where the length says how many samples there are, they are one block of rows; else give per_frame";
    }
  }
  if (kind.per_frame == 0 && !kind.samples.empty()) {
    const auto& block = kind.samples.front();
    const auto taken = static_cast<std::size_t>(block.first.at) + bytes_behind(kind);
    const auto room = kind.longest() > taken ? kind.longest() - taken : 0;
    if (room < block.row_step || (kind.length != 0 && room % block.row_step != 0))
      return std::string{kind.length != 0 ? "length" : "max_length"} + " " + std::to_string(kind.longest()) + " leaves " +
             bytes(room) + " for rows of samples of " + bytes(block.row_step) + "; change it, or give per_frame";
  }
  if (!kind.samples.empty() && seen.size() != n_channels) return "a channel without samples";
  return "";
}

std::string check_length(const FrameKind& kind) {
  const int lengths = int{kind.length != 0} + int{kind.length_field.has_value()} + int{!kind.until.empty()};
  if (lengths != 1)
    return std::string{lengths == 0 ? "nothing says its length" : "several keys say its length"} +
           "; give one of length, length_field and until";
  if (kind.longest() == 0)
    return std::string{"max_length is missing: "} + (kind.until.empty() ? "length_field" : "until") +
           " needs it, the most bytes that a frame can have (" + std::to_string(kMaxFrameBytes) + " at most)";
  if (kind.longest() > kMaxFrameBytes)
    return "its length of " + bytes(kind.longest()) + " is more than " + std::to_string(kMaxFrameBytes);
  return "";
}

std::string check_numbers(const FrameKind& kind, const FrameFormat& format) {
  for (std::size_t i = 0; i < kind.match.size(); ++i)
    if (auto wrong = no_integer(kind, "match[" + std::to_string(i) + "]", kind.match[i].number); !wrong.empty()) return wrong;
  if (kind.length_field && kind.length_field->number.at < 0) return "length_field must stand at a place from its beginning";
  if (kind.length_field)
    if (auto wrong = no_integer(kind, "length_field", kind.length_field->number); !wrong.empty()) return wrong;
  if (kind.counter)
    if (auto wrong = no_integer(kind, "counter", kind.counter->number); !wrong.empty()) return wrong;
  if (kind.time) {
    const auto& time = *kind.time;
    auto wrong = time.bcd ? outside(kind, "time", time.number.at, 6) : misplaced(kind, "time", time.number);
    if (wrong.empty() && time.ticks) wrong = no_integer(kind, "ticks", *time.ticks);
    if (!wrong.empty()) return wrong;
    if (!time.bcd && time.unit <= mth5::Nanos{0}) return "time has no unit";
    if (time.ticks && !(time.ticks_hz > 0)) return "ticks have no rate";
  }
  if (kind.lock && !kind.time) return "locked says whose time it is, but there is no time";
  if (kind.lock)
    if (auto wrong = no_integer(kind, "locked", kind.lock->number); !wrong.empty()) return wrong;
  for (std::size_t i = 0; i < kind.fields.size(); ++i) {
    const auto& field = kind.fields[i];
    const auto name = "fields[" + std::to_string(i) + "]";
    if (field.soh >= format.n_soh) return name + " is of no state of health";
    const bool by_bits = field.mask != 0 || !field.values.empty();
    if (auto wrong = by_bits ? no_integer(kind, name, field.number) : misplaced(kind, name, field.number); !wrong.empty())
      return wrong;
  }
  return "";
}

std::string check_kind(const FrameKind& kind, const FrameFormat& format) {
  if (auto wrong = check_length(kind); !wrong.empty()) return wrong;
  for (const auto* marker : {&kind.sync, &kind.trailer})
    if (!marker->mask.empty() && marker->mask.size() != marker->bytes.size())
      return "a mask of " + bytes(marker->mask.size()) + " for " + bytes(marker->bytes.size()) + "; they must be as many";
  const auto& mask = kind.sync.mask;
  if (!mask.empty() && std::all_of(mask.begin(), mask.end(), [](unsigned char byte) { return byte == 0; }))
    return "sync_mask leaves no bit of sync; leave both out";
  const bool by_check = kind.checks.size() == 1 && is_strong(kind.checks.front());
  if (kind.sync.bytes.empty() && kind.match.empty() && !by_check)
    return "nothing tells it from other bytes; give sync, match, or one check of 16 bits or more";
  if (auto wrong = check_numbers(kind, format); !wrong.empty()) return wrong;
  for (const auto& check : kind.checks)
    if (auto wrong = check_check(kind, check); !wrong.empty()) return wrong;
  const auto least = least_length(kind);
  if (least > kind.longest() || least == 0)
    return "what is in it takes " + bytes(least) + ", but its " + (kind.length != 0 ? "length" : "max_length") + " is " +
           bytes(kind.longest());
  if (auto wrong = check_samples(kind, format.n_channels); !wrong.empty()) return wrong;
  if (auto wrong = check_places(kind); !wrong.empty()) return wrong;
  return check_known_bits(kind);
}

}  // namespace

std::size_t bytes_behind(const FrameKind& kind) { return reach(kind).back; }

std::size_t most_rows(const FrameKind& kind) {
  if (kind.samples.empty() || kind.per_frame != 0) return kind.per_frame;
  const auto& block = kind.samples.front();
  return (kind.longest() - static_cast<std::size_t>(block.first.at) - bytes_behind(kind)) / block.row_step;
}

std::size_t least_length(const FrameKind& kind) {
  const auto [front, back] = reach(kind);
  return kind.length != 0 ? std::max({kind.length, front, back}) : front + back;
}

std::string check_frame_format(const FrameFormat& format) {
  if (format.kinds.empty()) return "no kind of frame";
  if (format.confirm_frames < 1 || format.confirm_frames > kMaxConfirm)
    return "confirm_frames is 1 to " + std::to_string(kMaxConfirm);
  const FrameKind* data = nullptr;
  for (const auto& kind : format.kinds) {
    if (auto wrong = check_kind(kind, format); !wrong.empty()) return kind.name + ": " + wrong;
    if (kind.samples.empty()) continue;
    const auto numbers = [](const FrameKind& one) {
      return one.counter ? one.counter->modulus + 1 + std::uint64_t{one.counter->of_samples} : 0;
    };
    if (data != nullptr && numbers(kind) != numbers(*data))
      return kind.name + ": its counter is another than that of " + data->name + "; samples of all kinds are counted in one way";
    if (data == nullptr) data = &kind;
  }
  return data == nullptr ? "no kind of frame has samples; give samples: {at: 4, type: i32, channels: [hx, hy]}" : "";
}

std::size_t longest_look(const FrameFormat& format) {
  std::size_t longest = 0, in_a_row = format.confirm_frames;
  for (const auto& kind : format.kinds) {
    longest = std::max(longest, kind.longest());
    // One that may be two is looked into, for another and for what begins behind that.
    if (kind.checks.size() != 1 && kind.trailer.bytes.empty()) in_a_row = std::max(in_a_row, std::size_t{3});
  }
  return in_a_row * longest;
}

Density frame_density(const FrameFormat& format) {
  Density density{.least_frame_bytes = 0, .samples_per_frame = 0, .samples_per_byte = 0, .held_bytes = longest_look(format)};
  for (const auto& kind : format.kinds) {
    const auto rows = most_rows(kind);
    if (rows == 0) continue;
    const auto row = kind.length == 0 && kind.per_frame == 0 ? kind.samples.front().row_step : 0;
    const auto least = least_length(kind);
    density.least_frame_bytes = density.least_frame_bytes == 0 ? least + row : std::min(density.least_frame_bytes, least + row);
    density.samples_per_frame = std::max(density.samples_per_frame, rows);
    density.samples_per_byte =
        std::max(density.samples_per_byte, static_cast<double>(rows) / static_cast<double>(least + row * rows));
  }
  return density;
}

mth5::Nanos step_of(const FrameTime& time) {
  if (time.ticks)  // no more than one, of which frames hold a sample or more
    return mth5::Nanos{std::max<std::int64_t>(1, static_cast<std::int64_t>(1e9 / time.ticks_hz))};
  if (time.bcd) return std::chrono::seconds{1};
  return is_float(time.number.type) ? mth5::Nanos{} : time.unit;
}

Numbering frame_numbering(const FrameFormat& format) {
  const auto data =
      std::find_if(format.kinds.begin(), format.kinds.end(), [](const FrameKind& kind) { return !kind.samples.empty(); });
  Numbering numbering;
  if (data->counter)
    numbering = {.modulus = data->counter->modulus, .samples_per_count = data->counter->of_samples ? std::uint64_t{1} : 0};
  if (data->time) numbering.resolution = data->time->resolution;
  numbering.kind = !data->time ? TimeKind::None : data->lock ? TimeKind::Gps : data->time->kind;
  return numbering;
}

FrameSize first_binary_frame(const FrameFormat& format, std::span<const char> bytes) {
  const FrameReader reader{format};
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto front = reader.look(bytes.subspan(at), false);
    if (front.is == FrameFront::Is::Frame) return {at + front.bytes, front.n_samples};
    if (front.is == FrameFront::Is::Incomplete) break;
  }
  return {};
}

}  // namespace daq::decode
