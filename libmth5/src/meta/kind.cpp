#include <algorithm>
#include <array>

#include "meta/text.hpp"
#include "mth5/metadata.hpp"

namespace mth5 {
namespace {

struct KindNames {
  std::string_view name;
  std::string_view type;
  std::size_t max_id_bytes;  // fields of channel_summary (mth5-format 3.1)
};

constexpr std::size_t kMaxFilterName = 200;

constexpr std::array<KindNames, kKindCount> kKinds{{{"survey", "Survey", 30},
                                                    {"station", "Station", 30},
                                                    {"run", "Run", 20},
                                                    {"electric", "Electric", 20},
                                                    {"magnetic", "Magnetic", 20},
                                                    {"auxiliary", "Auxiliary", 20},
                                                    {"coefficient", "coefficient", kMaxFilterName},
                                                    {"zpk", "zpk", kMaxFilterName},
                                                    {"fap", "fap", kMaxFilterName},
                                                    {"fir", "fir", kMaxFilterName},
                                                    {"time_delay", "time delay", kMaxFilterName}}};

const KindNames& names(Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_allowed(char c) { return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte == ' ') return "blank";
  return byte > 0x20 && byte < 0x7F ? std::string{"'"} + c + "'" : "special character";
}

std::optional<std::string> check_filter_name(std::string_view text) {
  const auto is_bad = [](char c) { return c < 0x20 || c > 0x7E || c == '/' || is_upper(c); };
  if (const auto bad = std::ranges::find_if(text, is_bad); bad != text.end())
    return "has a " + shown(*bad) + "; a filter's name is of printable ASCII without capitals and '/'";
  if (text == "." || text.front() == ' ' || text.back() == ' ') return "must not be a dot or begin or end with a blank";
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Kind kind) { return names(kind).name; }

std::string_view mth5_type(Kind kind) { return names(kind).type; }

std::optional<Kind> kind_from(std::string_view text) {
  const std::string wanted = meta::lower(text);
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i].name == wanted || kKinds[i].type == wanted) return static_cast<Kind>(i);
  return std::nullopt;
}

std::optional<std::string> check_id(Kind kind, std::string_view text) {
  if (text.empty()) return "is empty";
  if (is_filter(kind)) {
    if (const auto problem = check_filter_name(text)) return problem;
  } else if (const auto bad = std::ranges::find_if_not(text, is_allowed); bad != text.end()) {
    return "has a " + shown(*bad) + "; only letters, digits and _ are allowed";
  }
  const std::size_t limit = names(kind).max_id_bytes;
  if (text.size() > limit)
    return "has " + std::to_string(text.size()) + " characters; MTH5 has room for " + std::to_string(limit);
  // Python reads this text as "not set".
  if (meta::lower(text) == "none") return "means \"absent\" in MTH5; take another one";
  const char first = text[0];
  switch (kind) {
    case Kind::Survey:
    case Kind::Station:
    case Kind::Coefficient:
    case Kind::Zpk:
    case Kind::Fap:
    case Kind::Fir:
    case Kind::TimeDelay:
      return std::nullopt;
    case Kind::Run:
      // The station's own groups, beside which its runs lie.
      for (const std::string_view reserved : {"Transfer_Functions", "Fourier_Coefficients", "Features"})
        if (text == reserved) return "is the name of a group that every MTH5 station has; take another one";
      return std::nullopt;
    case Kind::Electric:
    case Kind::Magnetic:
    case Kind::Auxiliary:
      break;
  }
  if (std::ranges::any_of(text, is_upper)) return "has a capital letter; components are lower-case";
  if (kind == Kind::Electric && first != 'e') return "must begin with e, as electric components do";
  if (kind == Kind::Magnetic && first != 'h' && first != 'b' && first != 'r')
    return "must begin with h, b or r, as magnetic components do";
  return std::nullopt;
}

}  // namespace mth5
