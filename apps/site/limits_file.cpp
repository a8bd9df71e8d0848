#include "site/limits_file.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "cli/cli.hpp"
#include "mth5/duration.hpp"
#include "site/yaml_file.hpp"

namespace site {

namespace {

using analysis::OwnLimit;

std::string with_unit(double value, const analysis::Rule& rule) {
  std::ostringstream text;
  text << value;
  return text.str() + (rule.unit.empty() ? "" : " ") + std::string{rule.unit};
}

class LimitsFile {
 public:
  explicit LimitsFile(YamlProblems& problems) : problems_{problems} {}

  analysis::SiteLimits read(const YAML::Node& root) {
    analysis::SiteLimits limits;
    if (!root.IsNull() && !root.IsMap()) {
      wrong(root, "", "must be a map of rules, like battery: {warning: 12.2, critical: 11.8}");
      return limits;
    }
    std::set<std::string> known;
    for (const auto& entry : root) {
      const auto key = entry.first.Scalar();
      const auto rules = analysis::rules();
      const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.name == key; });
      if (rule == rules.end()) {
        std::vector<std::string> names;
        for (const auto& one : rules) names.emplace_back(one.name);
        const auto near = cli::nearest(key, names);
        wrong(entry.first, key,
              "is no rule" + (near.empty() ? "" : "; did you mean " + near + "?") + " (mth5-summary(1), CHECK, has all)");
        continue;
      }
      if (!known.insert(key).second) wrong(entry.first, key, "stands here twice");
      limits.set(key, of_rule(*rule, key, entry.second));
    }
    return limits;
  }

 private:
  void wrong(const YAML::Node& at, const std::string& key, const std::string& what) { problems_.add(at.Mark(), key, what); }

  analysis::OwnLimits of_rule(const analysis::Rule& rule, const std::string& key, const YAML::Node& value) {
    analysis::OwnLimits own;
    if (value.IsScalar() && value.Scalar() == "off") return own;
    if (rule.is_state()) {
      wrong(value, key, "is so or not, and has no limit; it may be off");
      return own;
    }
    if (!value.IsMap()) {
      wrong(value, key, "must be off, or a map of warning, critical and past");
      return own;
    }
    std::set<std::string> known;
    for (const auto& entry : value) {
      const auto word = entry.first.Scalar();
      const auto name = key + "." + word;
      if (!known.insert(word).second) wrong(entry.first, name, "stands here twice");
      if (word == "warning" || word == "critical")
        (word == "warning" ? own.warning : own.critical) = limit(rule, name, entry.second);
      else if (word == "past")
        own.past_days = days(name, entry.second);
      else
        wrong(entry.first, name, "is not known; there are warning, critical and past");
    }
    for (const auto* one : {&own.warning, &own.critical})
      if (!known.contains("past") && one->kind != OwnLimit::Kind::Value)
        wrong(value, key, "is against the median of past days, and says not of how many: add past: 7d");
    const bool same_kind = own.warning.kind == own.critical.kind;
    const double warning = own.warning.number, critical = own.critical.number;
    if (same_kind && (rule.above ? critical < warning : critical > warning))
      wrong(value, key,
            "critical, " + with_unit(critical, rule) + ", is reached before warning, " + with_unit(warning, rule) + ": what is " +
                (rule.above ? "above" : "below") + " a limit is wrong; exchange them");
    return own;
  }

  OwnLimit limit(const analysis::Rule& rule, const std::string& name, const YAML::Node& value) {
    const std::string text = value.IsScalar() ? value.Scalar() : "";
    if (text == "off") return {};
    OwnLimit own;
    std::string_view number = text;
    if (number.ends_with('x')) {
      own.kind = OwnLimit::Kind::Times;
      number.remove_suffix(1);
      if (const auto times = number.starts_with('+') ? std::nullopt : number_of(number); !times || *times <= 0) {
        wrong(value, name, "'" + text + "' is no multiple of the median of past days: give a number above 0, as 3x");
        return {};
      }
    } else if (number.starts_with('+')) {
      own.kind = OwnLimit::Kind::More;
      number.remove_prefix(1);
    } else if (number.starts_with('-')) {
      own.kind = OwnLimit::Kind::More;
    }
    const auto found = number_of(number);
    if (!found) {
      wrong(value, name,
            "'" + text + "' is no limit; give a number" + (rule.unit.empty() ? "" : " of " + std::string{rule.unit}) +
                ", off, or against the median of past days 3x, +6, -0.5");
      return {};
    }
    own.number = *found;
    if (own.kind == OwnLimit::Kind::Value && rule.unit == "%" && own.number > 100)
      wrong(value, name, with_unit(own.number, rule) + " is above 100 %, which is all there is: give less");
    return own;
  }

  int days(const std::string& name, const YAML::Node& value) {
    constexpr int kMost = 366;
    constexpr std::chrono::hours kDay{24};
    const auto length = value.IsScalar() ? mth5::parse_duration(value.Scalar()) : std::nullopt;
    if (length && *length >= kDay * analysis::SiteLimits::kLeastDays && *length <= kDay * kMost &&
        *length % kDay == mth5::Nanos{0})
      return static_cast<int>(*length / kDay);
    wrong(value, name, "'" + (value.IsScalar() ? value.Scalar() : "") + "' is not a number of days from 3d to 366d");
    return 0;
  }

  YamlProblems& problems_;
};

}  // namespace

analysis::SiteLimits read_limits(const std::filesystem::path& path) {
  return read_yaml_file(path, "limits",
                        [](const YAML::Node& root, YamlProblems& problems) { return LimitsFile{problems}.read(root); });
}

}  // namespace site
