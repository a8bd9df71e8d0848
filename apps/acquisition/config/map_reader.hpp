#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/node.hpp"
#include "acquisition/config/report.hpp"
#include "mth5/metadata.hpp"

namespace daq::config {

/// Takes typed values out of one YAML map. Each is checked, reported with its place if it is wrong (then the default is returned)
/// and listed with its origin if it is right. finish() reports the keys that nobody asked for.
class MapReader {
 public:
  enum class Need { Optional, Required };

  /// @param path      "" or "sources[0].serial"
  /// @param defaults  false: only what stands in the map is listed
  MapReader(const Node& map, std::string path, Report& report, bool defaults = true)
      : map_{map}, path_{std::move(path)}, report_{report}, defaults_{defaults} {}

  [[nodiscard]] std::string path(std::string_view key) const {
    return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
  }
  /// Path of the map itself.
  [[nodiscard]] const std::string& here() const { return path_; }
  [[nodiscard]] const Node& map() const { return map_; }

  /// nullptr: absent (reported if it is required), or not of that kind (reported).
  [[nodiscard]] const Node* take(std::string_view key, Node::Kind kind, Need need = Need::Optional);
  /// The key is known and of any kind but nothing.
  [[nodiscard]] const Node* take_any(std::string_view key, Need need = Need::Optional);

  [[nodiscard]] std::optional<std::string> text(std::string_view key, Need need = Need::Optional);
  /// `check` returns what is wrong with a text, "" if nothing.
  [[nodiscard]] std::string text(std::string_view key, std::string otherwise,
                                 const std::function<std::string(std::string_view)>& check);
  /// Absent or wrong: "" and a finding.
  [[nodiscard]] std::string require_text(std::string_view key, const std::function<std::string(std::string_view)>& check);
  [[nodiscard]] std::string choice(std::string_view key, std::string otherwise, const std::vector<std::string>& options);
  [[nodiscard]] bool flag(std::string_view key, bool otherwise);
  [[nodiscard]] std::int64_t whole(std::string_view key, std::int64_t otherwise, std::int64_t low, std::int64_t high,
                                   std::string_view unit);
  /// Absent and required: 0 and a finding.
  [[nodiscard]] std::int64_t require_whole(std::string_view key, std::int64_t low, std::int64_t high, std::string_view unit);
  [[nodiscard]] std::optional<double> number(std::string_view key, double low, double high, std::string_view unit,
                                             Need need = Need::Optional);
  [[nodiscard]] std::chrono::nanoseconds duration(std::string_view key, std::chrono::nanoseconds otherwise,
                                                  std::chrono::nanoseconds low, std::chrono::nanoseconds high);
  [[nodiscard]] std::int64_t bytes(std::string_view key, std::int64_t otherwise, std::int64_t low, std::int64_t high);

  void problem(const Node& value, std::string_view key, std::string text) {
    report_.problem(value.place, path(key), std::move(text));
  }
  /// Lists a value; `value` nullptr = it is the default.
  void list(std::string_view key, std::string text, const Node* value) {
    if (value == nullptr && !defaults_) return;
    report_.value(path(key), std::move(text), value == nullptr ? "default" : value->place.label());
  }
  void finish();

 private:
  [[nodiscard]] std::optional<std::int64_t> whole_of(const Node& value, std::string_view key, std::int64_t low, std::int64_t high,
                                                     std::string_view unit);

  const Node& map_;
  std::string path_;
  Report& report_;
  bool defaults_;
  std::vector<std::string> known_;
};

/// Reports keys that stand twice in a map.
void check_repeated(const Node& map, const std::string& path, Report& report);

/// "200 is out of range (5 to 8 bits)".
[[nodiscard]] std::string out_of_range(std::string_view value, std::string_view low, std::string_view high,
                                       std::string_view unit);

/// "" if it is a time that mth5 can hold. @param example  of one
[[nodiscard]] std::string check_time(std::string_view text, std::string_view example);

/// "none, even or odd".
[[nodiscard]] std::string alternatives(const std::vector<std::string>& options);

/// Sets every attribute of a map, dotted (`location.latitude: 40`) or nested (`location: {latitude: 40}`), on `metadata`.
struct AttributeReader {
  Report& report;
  /// Attributes that mth5d itself writes: name and who knows them.
  std::vector<std::pair<std::string_view, std::string_view>> reserved;
  /// Keys of the map that are none of the metadata: left alone.
  std::vector<std::string> others;

  /// @returns the place of each attribute that was set, in the order of the text
  std::vector<std::pair<std::string, Place>> read(const Node& map, const std::string& path, mth5::Metadata& metadata) const;
};
/// The value of an attribute as --print-config shows it.
[[nodiscard]] std::string to_string(const mth5::Value& value);

}  // namespace daq::config
