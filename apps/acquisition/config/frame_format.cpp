#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "acquisition/config/frame_tables.hpp"
#include "acquisition/config/instrument.hpp"
#include "acquisition/decode/strong_check.hpp"

/// The part of a profile that describes binary frames.
namespace daq::config {

namespace {

using decode::FrameFormat;
using decode::FrameKind;

constexpr std::size_t kMostKinds = 16;
constexpr std::size_t kMostItems = 1024;

class KindReader {
 public:
  KindReader(FrameFormat& format, const std::vector<std::string>& channels, const Instrument& instrument, Report& report)
      : format_{format}, channels_{channels}, report_{report} {
    for (const auto& one : instrument.soh) soh_.push_back(one.name);
    for (const auto& one : instrument.channels) dtypes_.emplace(one.name, one.type);
  }

  /// What of `map` is of one kind of frame; the caller finishes the map.
  void read(MapReader& map) {
    const auto before = report_.count();
    FrameKindKeys keys;
    keys.big_endian = big_endian_of_first_;
    keys.kind.name = format_.kinds.empty() ? "data" : "other";
    frame_kind_keys().read(map, keys);
    kind_ = std::move(keys.kind);
    big_endian_ = keys.big_endian;
    if (format_.kinds.empty()) big_endian_of_first_ = big_endian_;
    for_each(map, "match", [&](MapReader& item) {
      decode::FrameMatch match;
      match.number.big_endian = big_endian_;
      frame_match_keys().read(item, match);
      check_mask(item, match.number.type, match.mask);
      check_bits_fit(item, "value", match.number.type, {match.value});
      if ((match.value & ~match.mask) != 0)
        item.problem(*item.map().find("value"), "value", "has bits that mask leaves out; write those that count");
      kind_.match.push_back(match);
    });
    sub(map, "length_field", [&](MapReader& item) {
      kind_.length_field.emplace().number.big_endian = big_endian_;
      frame_length_keys().read(item, *kind_.length_field);
    });
    sub(map, "check", [&](MapReader& item) { read_check(item); });
    sub(map, "counter", [&](MapReader& item) {
      kind_.counter.emplace().number.big_endian = big_endian_;
      frame_counter_keys().read(item, *kind_.counter);
    });
    sub(map, "time", [&](MapReader& item) { read_time(item); });
    sub(map, "locked", [&](MapReader& item) {
      kind_.lock.emplace().number.big_endian = big_endian_;
      frame_locked_keys().read(item, *kind_.lock);
      check_mask(item, kind_.lock->number.type, kind_.lock->mask);
      check_bits_fit(item, "values", kind_.lock->number.type, kind_.lock->values);
      for (const auto value : kind_.lock->values)
        if ((value & ~kind_.lock->mask) != 0)
          item.problem(*item.map().find("values"), "values",
                       std::to_string(value) + " has bits that mask leaves out; it would never be");
    });
    if (const Node* samples = map.map().find("samples"); samples != nullptr && samples->kind == Node::Kind::Map)
      sub(map, "samples", [&](MapReader& item) { read_samples(item); });
    else
      for_each(map, "samples", [&](MapReader& item) { read_samples(item); });
    for_each(map, "fields", [&](MapReader& item) { read_field(item); });
    if (report_.count() == before) check_channels(map);
    format_.kinds.push_back(std::move(kind_));
  }

  [[nodiscard]] const std::set<std::string>& fields_of() const { return fields_of_; }

 private:
  template <class Use>
  void sub(MapReader& map, std::string_view key, Use use) {
    const Node* node = map.take(key, Node::Kind::Map);
    if (node == nullptr) return;
    MapReader item{*node, map.path(key), report_};
    use(item);
    item.finish();
  }

  template <class Use>
  void for_each(MapReader& map, std::string_view key, Use use) {
    const Node* list = map.take(key, Node::Kind::Sequence);
    if (list == nullptr) return;
    if (list->items.size() > kMostItems)
      return map.problem(*list, key, std::to_string(list->items.size()) + " of them; at most " + std::to_string(kMostItems));
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const auto path = map.path(key) + "[" + std::to_string(i) + "]";
      if (list->items[i].kind != Node::Kind::Map) {
        report_.problem(list->items[i].place, path, "must be a map such as {at: 4, type: u16}");
        continue;
      }
      MapReader item{list->items[i], path, report_};
      use(item);
      item.finish();
    }
  }

  /// Bits that the number cannot have are a mistake: such a frame would never come.
  static void check_bits_fit(MapReader& map, std::string_view key, decode::Number type,
                             const std::vector<std::uint64_t>& values) {
    const Node* node = map.map().find(key);
    const auto bits = 8 * decode::size_of(type);
    if (node == nullptr || bits == 64) return;
    for (const auto value : values)
      if (value >> bits != 0)
        return map.problem(*node, key,
                           std::to_string(value) + " has more than the " + std::to_string(bits) + " bits of its type; at most " +
                               std::to_string((std::uint64_t{1} << bits) - 1));
  }

  static void check_mask(MapReader& map, decode::Number type, std::uint64_t mask) {
    const Node* node = map.map().find("mask");
    if (node != nullptr && mask == 0) return map.problem(*node, "mask", "0 leaves no bit; leave it out where all of them count");
    check_bits_fit(map, "mask", type, {mask});
  }

  void read_check(MapReader& map) {
    FrameCheckKeys keys;
    keys.check.big_endian = big_endian_;
    frame_check_keys().read(map, keys);
    const bool own = map.map().find("poly") != nullptr || map.map().find("bits") != nullptr ||
                     map.map().find("reflect_in") != nullptr || map.map().find("reflect_out") != nullptr;
    const bool crc = keys.rules == std::vector<std::string>{"crc"};
    if (crc ? keys.custom.poly == 0 : own)
      map.problem(map.map(), crc ? "poly" : "rule",
                  crc ? "is missing: a rule crc needs it"
                      : "bits, poly, reflect_in and reflect_out are for the rule crc; those of named rules are known");
    if (keys.custom.bits < 32 && (keys.custom.poly >> keys.custom.bits) != 0)
      map.problem(map.map(), "poly", "has more bits than the rule");
    if (keys.rules.size() > 1 && (map.map().find("init") != nullptr || map.map().find("xor_out") != nullptr))
      map.problem(map.map(), "rule", "init and xor_out are for a single rule");
    for (const auto& name : keys.rules) {
      auto check = keys.check;
      check.name = name;
      check.rule = crc ? keys.custom : decode::find_check(name).value_or(decode::CheckRule{});
      if (map.map().find("init") != nullptr) check.rule.init = keys.custom.init;
      if (map.map().find("xor_out") != nullptr) check.rule.xor_out = keys.custom.xor_out;
      if (check.rule.kind == decode::CheckRule::Kind::Fletcher) check.big_endian = false;
      kind_.checks.push_back(std::move(check));
    }
  }

  void read_time(MapReader& map) {
    auto& time = kind_.time.emplace();
    time.number.big_endian = big_endian_;
    frame_time_keys().read(map, time);
    sub(map, "ticks", [&](MapReader& item) {
      FrameTicksKeys keys{.rate_hz = format_.sample_rate};
      keys.number.big_endian = big_endian_;
      frame_ticks_keys().read(item, keys);
      time.ticks = keys.number;
      time.ticks_hz = keys.rate_hz;
    });
  }

  void read_samples(MapReader& map) {
    FrameSamplesKeys keys;
    keys.block.first.big_endian = big_endian_;
    frame_samples_keys().read(map, keys);
    if (const Node* list = map.take("channels", Node::Kind::Sequence, MapReader::Need::Required)) {
      if (list->items.size() > kMostItems)
        return map.problem(*list, "channels",
                           std::to_string(list->items.size()) + " of them; at most " + std::to_string(kMostItems));
      for (std::size_t i = 0; i < list->items.size(); ++i)
        read_slot(list->items[i], map.path("channels") + "[" + std::to_string(i) + "]", keys);
    }
    auto& block = keys.block;
    const auto size = decode::size_of(block.first.type);
    const auto n = keys.planar ? std::max<std::size_t>(1, kind_.per_frame) : block.slots.size();
    const auto stride = keys.stride < 0 ? n * size : static_cast<std::size_t>(keys.stride);
    block.row_step = keys.planar ? size : stride;
    block.slot_step = keys.planar ? stride : size;
    if (keys.planar && kind_.per_frame == 0) map.problem(map.map(), "layout", "planar needs per_frame");
    if (block.offset_binary && decode::is_float(block.first.type))
      map.problem(map.map(), "offset_binary", "is for whole numbers");
    check_types(map, block);
    kind_.samples.push_back(std::move(block));
  }

  /// What is stored must fit into the channel's dtype: all of a number that comes as it is, and no part of one.
  void check_types(MapReader& map, const decode::FrameSamples& block) {
    const auto type = block.first.type;
    const auto bits = 8 * decode::size_of(type) + (decode::is_signed(type) || block.offset_binary ? 0 : 1);
    const auto is_whole = [](double value) { return std::nearbyint(value) == value; };
    for (const auto& slot : block.slots) {
      if (slot.skip || slot.channel >= channels_.size()) continue;
      if (slot.scale == 0) map.problem(map.map(), "scale", "0 makes all values the same");
      const auto dtype = dtypes_.find(channels_[slot.channel]);
      if (dtype == dtypes_.end()) continue;
      if (bits_of_whole(dtype->second) == 0) continue;
      if (decode::is_float(type) || !is_whole(slot.scale) || !is_whole(slot.offset))
        map.problem(map.map(), decode::is_float(type) ? "type" : "scale",
                    "gives numbers that are not whole; channel " + in_quotes(channels_[slot.channel]) + " has dtype " +
                        std::string{mth5::to_string(dtype->second)} + "; choose float64");
      else if (slot.scale == 1 && slot.offset == 0)
        if (auto wrong = too_wide(bits, channels_[slot.channel], dtype->second); !wrong.empty())
          map.problem(map.map(), "type", std::move(wrong));
    }
  }

  /// A frame of samples has each channel once.
  void check_channels(MapReader& map) {
    if (kind_.samples.empty()) return;
    std::vector<int> times(channels_.size(), 0);
    for (const auto& block : kind_.samples)
      for (const auto& slot : block.slots)
        if (!slot.skip) ++times[slot.channel];
    for (std::size_t i = 0; i < times.size(); ++i)
      if (times[i] != 1)
        map.problem(*map.map().find("samples"), "samples",
                    std::string{times[i] == 0 ? "do not hold" : "hold more than once"} + " channel " + in_quotes(channels_[i]) +
                        (times[i] == 0 ? "; add it to channels, take it out of the profile's "
                                         "channels, or, if it comes at another rate, make it "
                                         "a field of state_of_health: all frames of samples hold all channels, at one rate"
                                       : ""));
  }

  void read_slot(const Node& node, const std::string& path, FrameSamplesKeys& keys) {
    decode::FrameSamples::Slot slot{.scale = keys.scale, .offset = keys.offset};
    std::string name = node.text;
    const Node* at = &node;
    if (node.kind == Node::Kind::Map) {
      MapReader map{node, path, report_};
      name = map.text("channel", MapReader::Need::Required).value_or("");
      slot.scale = map.number("scale", -1e15, 1e15, "").value_or(keys.scale);
      slot.offset = map.number("offset", -1e15, 1e15, "").value_or(keys.offset);
      map.finish();
      if (const Node* channel = node.find("channel")) at = channel;
    } else if (node.kind != Node::Kind::Scalar) {
      return report_.problem(node.place, path, "must be the name of a channel, skip, or a map such as {channel: bx, scale: -1}");
    }
    slot.skip = node.kind == Node::Kind::Scalar && name == "skip";
    const auto found = std::find(channels_.begin(), channels_.end(), name);
    if (found == channels_.end() && !slot.skip)
      report_.problem(at->place, path, in_quotes(name) + " is not in channels" + near_or_all(name, channels_));
    else if (!slot.skip)
      slot.channel = std::size_t(found - channels_.begin());
    keys.block.slots.push_back(slot);
  }

  void read_field(MapReader& map) {
    FrameFieldKeys keys;
    keys.field.number.big_endian = big_endian_;
    frame_field_keys().read(map, keys);
    check_mask(map, keys.field.number.type, keys.field.mask);
    const auto found = std::find(soh_.begin(), soh_.end(), keys.soh);
    if (found == soh_.end()) {
      if (!keys.soh.empty())
        map.problem(*map.map().find("soh"), "soh",
                    in_quotes(keys.soh) + " is not in state_of_health" + near_or_all(keys.soh, soh_));
      return;
    }
    keys.field.soh = std::size_t(found - soh_.begin());
    fields_of_.insert(keys.soh);
    kind_.fields.push_back(std::move(keys.field));
  }

  FrameFormat& format_;
  const std::vector<std::string>& channels_;
  std::vector<std::string> soh_;
  std::map<std::string, mth5::SampleType> dtypes_;
  Report& report_;
  FrameKind kind_;
  bool big_endian_ = false, big_endian_of_first_ = false;
  std::set<std::string> fields_of_;
};

bool has_strong_check(const FrameKind& kind) { return kind.checks.size() == 1 && decode::is_strong(kind.checks.front()); }

}  // namespace

decode::Description read_frame_format(const Node& node, const std::string& path, const std::vector<std::string>& channels,
                                      const Instrument& instrument, Report& report) {
  FrameFormat format{
      .sample_rate = instrument.sample_rate, .n_channels = channels.size(), .n_soh = instrument.soh.size(), .kinds = {}};
  const auto before = report.count();
  MapReader map{node, path, report};
  KindReader kinds{format, channels, instrument, report};
  kinds.read(map);
  if (const Node* others = map.take("others", Node::Kind::Sequence)) {
    if (others->items.size() >= kMostKinds)
      map.problem(*others, "others",
                  std::to_string(others->items.size()) + " of them; at most " + std::to_string(kMostKinds - 1));
    for (std::size_t i = 0; i < std::min(others->items.size(), kMostKinds - 1); ++i) {
      const auto item_path = map.path("others") + "[" + std::to_string(i) + "]";
      if (others->items[i].kind != Node::Kind::Map) {
        report.problem(others->items[i].place, item_path, "must be a map as frame is");
        continue;
      }
      MapReader item{others->items[i], item_path, report};
      kinds.read(item);
      item.finish();
    }
  }
  format.confirm_frames = std::all_of(format.kinds.begin(), format.kinds.end(), has_strong_check) ? 1 : 3;
  frame_keys().read(map, format);
  map.finish();
  for (const auto& one : instrument.soh)
    if (!kinds.fields_of().contains(one.name))
      report.problem(node.place, path, "no field for state_of_health '" + one.name + "'");
  if (report.count() == before)
    if (auto wrong = check_frame_format(format); !wrong.empty()) report.problem(node.place, path, std::move(wrong));
  return format;
}

}  // namespace daq::config
