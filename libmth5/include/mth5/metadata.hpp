#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The MTH5 metadata model: which attributes survey, station, run and channels have, by their MTH5 names letter for letter.
/// Source: mth5-format, sections 2.4 to 2.8. Thread: a Metadata is a value; the table is constant.
namespace mth5 {

/// What has metadata: objects, channels, and behind them the kinds of filters.
enum class Kind { Survey, Station, Run, Electric, Magnetic, Auxiliary, Coefficient, Zpk, Fap, Fir, TimeDelay };
inline constexpr std::size_t kKindCount = 11;

[[nodiscard]] constexpr bool is_filter(Kind kind) { return kind >= Kind::Coefficient; }

/// "survey" … "auxiliary"; of a filter also the name of the group it lies in: "coefficient" … "time_delay".
[[nodiscard]] std::string_view to_string(Kind kind);
/// The text of the attribute `mth5_type`: "Survey" … "Auxiliary"; of a filter that of `type`: "coefficient" … "time delay".
[[nodiscard]] std::string_view mth5_type(Kind kind);
/// From either spelling, without regard to case; nullopt for other text.
[[nodiscard]] std::optional<Kind> kind_from(std::string_view text);

enum class Type { Text, Float, Int, Bool, Time, Date, List };

/// One row of the table: an attribute of one kind of object.
struct Attribute {
  std::string_view name = {};  ///< `location.latitude`
  Type type = Type::Text;
  std::string_view units = {};          ///< of a number: "degrees", "meters", "volts", "" …
  bool required = false;                ///< always written, with its default where it is not set
  std::string_view default_value = {};  ///< as text; "" = absent, "nan" = not known, but written
  std::string_view options = {};        ///< allowed texts, separated by '|'; "" = any; `IGRF-*`: any text that begins so.
                                        ///< Case, blanks, '-' and '_' do not count. A number may have one too: `none`
  std::string_view pattern = {};        ///< what a text, or each element of a list, must match, as ECMAScript regex; "" = any
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::string_view description = {};  ///< one short line
};

/// All attributes of a kind, in the order in which they are written.
[[nodiscard]] std::span<const Attribute> attributes(Kind kind);
/// nullptr if that kind has no attribute of that name.
[[nodiscard]] const Attribute* find_attribute(Kind kind, std::string_view name);
/// The nearest known name for a misspelt one ("" if nothing is near).
[[nodiscard]] std::string_view nearest_attribute(Kind kind, std::string_view name);

/// The first of the candidates nearest to `text`, if a third of it or less is wrong; else "".
[[nodiscard]] std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

using Value = std::variant<std::string, double, std::int64_t, bool, std::vector<std::string>>;

/// The attributes set on one object. What is not set is not written, except required ones, which take their default.
class Metadata {
 public:
  explicit Metadata(Kind kind);

  [[nodiscard]] Kind kind() const { return kind_; }

  /// Sets one attribute. An int is taken for a Float; a text for Time, Date, Bool, Float, Int and List is parsed (a list from
  /// JSON or commas); times are normalised to the MTH5 text.
  /// @throws MetadataError "station.location.latitude: 95 is out of range (-90 to 90 degrees)" and the like: object, attribute,
  ///         value, what is allowed; for an unknown name the nearest known one
  void set(std::string_view name, const Value& value);
  void erase(std::string_view name);

  /// nullptr if it is not set (defaults do not count).
  [[nodiscard]] const Value* find(std::string_view name) const;
  /// Typed access with a default for "not set"; a number in another numeric type is converted.
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const;
  [[nodiscard]] double number(std::string_view name, double otherwise = std::numeric_limits<double>::quiet_NaN()) const;

  /// What is to be written: all that is set, and required attributes with their defaults, in table order.
  [[nodiscard]] std::vector<std::pair<std::string, Value>> written() const;
  /// What is set, by name.
  [[nodiscard]] const std::map<std::string, Value, std::less<>>& values() const { return values_; }

  /// Puts all of `other` (same kind) over this.
  void merge(const Metadata& other);

  friend bool operator==(const Metadata&, const Metadata&) = default;

 private:
  Kind kind_;
  std::map<std::string, Value, std::less<>> values_;
};

/// nullopt if `text` may be the id of that kind in MTH5, else what is wrong ("has a '-'; only letters, digits and _ are
/// allowed"). Limits are those of the summary table: survey and station 30, run and component 20 bytes. Source: mth5-format,
/// section 7.1. A filter's name may have any printable ASCII character but capitals and '/': Python finds no other.
[[nodiscard]] std::optional<std::string> check_id(Kind kind, std::string_view text);

/// A unit in short, for tables: "milliVolt per kilometer" is "mV/km", "digital counts" is "counts", "celsius" is "C"; ASCII. A
/// unit that MTH5 does not know stays as it is.
[[nodiscard]] std::string unit_symbol(std::string_view units);

}  // namespace mth5
