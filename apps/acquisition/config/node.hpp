#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// YAML text as a tree in which every value knows where it was written. Why not YAML::Node: that one keeps no repeated keys
/// apart, cannot be bounded (depth, aliases that multiply) and shares aliased values, which an override would change in two
/// places.
namespace daq::config {

/// A text that was read: a file, or the value of one override. Findings are sorted by `rank`, then line and column.
struct Origin {
  std::string name;  ///< "mth5d.yaml", "--set station.id", "environment MTH5D_RING"
  int rank = 0;
  bool lines = true;  ///< false: one value, `where` is the name alone
  std::string label;  ///< what --print-config shows instead of `where` ("instrument lemi424.yaml"); "" = `where`
};

/// Where a value stands. The origin is shared by all values of one text.
struct Place {
  std::shared_ptr<const Origin> origin;
  int line = 1, column = 1;  ///< from 1

  [[nodiscard]] std::string where() const;
  /// As in --print-config.
  [[nodiscard]] std::string label() const { return origin->label.empty() ? where() : origin->label; }
};

struct Node {
  enum class Kind { Null, Scalar, Sequence, Map };
  struct Key {
    std::string text;
    Place place;
  };

  Kind kind = Kind::Null;
  bool quoted = false;      ///< Scalar: stood in quotes or in a block, so it is a text whatever it looks like
  std::string text;         ///< Scalar
  std::vector<Node> items;  ///< Sequence: its values. Map: the values of `keys`, repeated ones too
  std::vector<Key> keys;    ///< Map
  Place place;

  /// The first value under `key`, nullptr if there is none.
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] Node* find(std::string_view key) { return const_cast<Node*>(static_cast<const Node*>(this)->find(key)); }
};

/// "a map", "a list", "a single value", "nothing".
[[nodiscard]] std::string_view to_string(Node::Kind kind);

/// What a text may be: enough for any station, and reading stays below a second whatever the file holds.
inline constexpr std::size_t kMaxBytes = 1 << 20;
inline constexpr int kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 10000;
inline constexpr std::size_t kMaxScalar = 4096;

struct ParsedText {
  Node root;            ///< Null for an empty text
  std::string problem;  ///< "" = good
  Place place;          ///< of the problem
};

/// Reads one YAML document. Aliases are copied where they stand. Never throws on what the text holds.
[[nodiscard]] ParsedText parse_yaml(std::string_view text, std::shared_ptr<const Origin> origin);
/// The same from a file; it cannot be read = a problem.
[[nodiscard]] ParsedText parse_yaml_file(const std::string& path, std::shared_ptr<const Origin> origin);

/// What keeps a text out of log and data file: control characters but tab and line end, bytes that are no UTF-8; "" = nothing.
/// @param at  moved to the place of the problem
[[nodiscard]] std::string text_problem(std::string_view text, Place& at);

}  // namespace daq::config
