#include <algorithm>
#include <set>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/frame_reader.hpp"

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

/// A number that lies in a frame of fixed length, or before or behind what varies.
bool inside(const FrameKind& kind, std::ptrdiff_t at, std::size_t size) {
  if (at < 0) return static_cast<std::size_t>(-at) >= size && (kind.length == 0 || static_cast<std::size_t>(-at) <= kind.length);
  return kind.length == 0 || static_cast<std::size_t>(at) + size <= kind.length;
}
bool inside(const FrameKind& kind, const NumberAt& number) { return inside(kind, number.at, size_of(number.type)); }

std::string check_check(const FrameKind& kind, const FrameCheck& check) {
  if (!inside(kind, check.at, wire_size(check))) return "its check stands outside of it";
  const auto length = static_cast<std::ptrdiff_t>(least_length(kind));
  const auto absolute = [&](std::ptrdiff_t at) { return at < 0 ? length + at : at; };
  const auto from = absolute(check.from), to = check.to > 0 ? check.to : length + check.to, at = absolute(check.at);
  if (from < 0 || from >= to || to > length) return "its check covers no bytes of it";
  if (at < to && at + static_cast<std::ptrdiff_t>(wire_size(check)) > from) return "its check covers itself";
  return "";
}

std::string check_samples(const FrameKind& kind, std::size_t n_channels) {
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < kind.samples.size(); ++i) {
    const auto& block = kind.samples[i];
    if (block.slots.empty() || block.first.at < 0) return "samples without channels, or before its beginning";
    for (const auto& slot : block.slots)
      if (!slot.skip && (slot.channel >= n_channels || !seen.insert(slot.channel).second))
        return "a channel that is not there, or one with samples in two places";
    if (kind.per_frame == 0) {
      const std::size_t row = (block.slots.size() - 1) * block.slot_step + size_of(block.first.type);
      if ((i == 0) != (block.row_step != 0) || (i == 0 && row > block.row_step))
        return "where the length says how many samples there are, they are one block of rows";
    }
  }
  if (!kind.samples.empty() && seen.size() != n_channels) return "a channel without samples";
  return "";
}

std::string check_kind(const FrameKind& kind, const FrameFormat& format) {
  const int lengths = int{kind.length != 0} + int{kind.length_field.has_value()} + int{!kind.until.empty()};
  if (lengths != 1) return "its length must be said in one way: length, length_field or until";
  if (kind.longest() == 0 || kind.longest() > kMaxFrameBytes)
    return "it is longer than " + std::to_string(kMaxFrameBytes) + " bytes, or has no longest length";
  for (const auto* marker : {&kind.sync, &kind.trailer})
    if (!marker->mask.empty() && marker->mask.size() != marker->bytes.size()) return "a mask is not as long as its bytes";
  if (kind.sync.bytes.empty() && kind.match.empty() && kind.checks.size() != 1)
    return "nothing tells it from other bytes: no sync, no match, no check";
  const auto least = least_length(kind);
  if (least > kind.longest() || least == 0) return "what is in it takes " + std::to_string(least) + " bytes";
  for (const auto& match : kind.match)
    if (!inside(kind, match.number) || is_float(match.number.type)) return "a match stands outside of it, or is no integer";
  if (kind.length_field && (kind.length_field->number.at < 0 || is_float(kind.length_field->number.type)))
    return "its length field must be an integer at a place from its beginning";
  for (const auto& check : kind.checks)
    if (auto wrong = check_check(kind, check); !wrong.empty()) return wrong;
  if (kind.counter && (!inside(kind, kind.counter->number) || is_float(kind.counter->number.type)))
    return "its counter stands outside of it, or is no integer";
  if (kind.time) {
    const auto& time = *kind.time;
    if (time.bcd ? !inside(kind, time.number.at, 6) : !inside(kind, time.number) || time.unit <= mth5::Nanos{0})
      return "its time stands outside of it, or has no unit";
    if (time.ticks && (!inside(kind, *time.ticks) || is_float(time.ticks->type) || !(time.ticks_hz > 0)))
      return "the ticks of its time stand outside of it, or are no integer";
  }
  if (kind.lock && (!kind.time || !inside(kind, kind.lock->number) || is_float(kind.lock->number.type)))
    return "locked stands outside of it, is no integer, or it has no time";
  for (const auto& field : kind.fields) {
    if (field.soh >= format.n_soh || !inside(kind, field.number)) return "a field stands outside of it";
    if (is_float(field.number.type) && (field.mask != 0 || !field.values.empty()))
      return "a field that is no integer has a mask or values";
  }
  return check_samples(kind, format.n_channels);
}

/// The most samples that a frame of this kind can have.
std::size_t most_rows(const FrameKind& kind) {
  if (kind.samples.empty() || kind.per_frame != 0) return kind.per_frame;
  const auto& block = kind.samples.front();
  return (kind.longest() - static_cast<std::size_t>(block.first.at) - bytes_behind(kind)) / block.row_step;
}

}  // namespace

std::size_t bytes_behind(const FrameKind& kind) { return reach(kind).back; }

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
      return kind.name + ": its counter is another than that of " + data->name;
    if (data == nullptr) data = &kind;
  }
  return data == nullptr ? "no kind of frame has samples" : "";
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
