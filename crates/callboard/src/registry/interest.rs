//! What a subscription wants.

use crate::event::{Event, Pattern, PatternError, TypeInfo};

/// What an event set subscribes to.
#[doc(hidden)]
#[derive(Debug)]
pub struct Interest(pub(crate) Wanted);

/// One member of a set: a type and the subscriber's role for it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct MemberInterest {
    pub(crate) info: &'static TypeInfo,
    pub(crate) role: Role,
}

/// The role of a subscriber for an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// It observes the events.
    Observe,
    /// It answers the events, which are requests.
    Respond,
}

/// What a subscription wants.
#[derive(Debug)]
pub(crate) enum Wanted {
    Everything,
    Matching(Pattern),
    Members(Vec<MemberInterest>),
    /// Nothing, since its pattern is invalid.
    Nothing(PatternError),
}

impl Interest {
    #[must_use]
    pub fn members<const N: usize>(members: [MemberInterest; N]) -> Self {
        Self(Wanted::Members(members.into()))
    }
}

impl MemberInterest {
    pub(crate) fn of<E: Event>(role: Role) -> Self {
        Self { info: TypeInfo::of::<E>(), role }
    }

    pub(crate) fn is_among(&self, others: &[Self]) -> bool {
        others.iter().any(|other| other.role == self.role && other.info.id() == self.info.id())
    }
}

impl Wanted {
    /// The members, if it names any.
    pub(crate) fn members(&self) -> &[MemberInterest] {
        if let Self::Members(members) = self { members } else { &[] }
    }

    /// The types that it names.
    pub(crate) fn infos(&self) -> impl Iterator<Item = &'static TypeInfo> {
        self.members().iter().map(|member| member.info)
    }

    /// Whether the subscription names a type.
    pub(crate) fn names(&self, info: &TypeInfo) -> bool {
        self.infos().any(|named| named.id() == info.id())
    }

    /// Whether the subscription wants a type that it did not name.
    pub(crate) fn wants_unnamed(&self, info: &TypeInfo) -> bool {
        match self {
            Self::Everything => true,
            Self::Matching(pattern) => pattern.matches(info.name),
            Self::Members(_) | Self::Nothing(_) => false,
        }
    }

    /// A type that a set names twice, through two Rust paths, which the derive macro can't detect.
    /// The first variant receives its events.
    pub(crate) fn repeated(&self) -> Option<&'static TypeInfo> {
        let members = self.members();
        let mut numbered = members.iter().enumerate();
        numbered.find(|(number, it)| it.is_among(&members[..*number])).map(|(_, it)| it.info)
    }

    /// Whether the subscription names its types, and none of their events has a key.
    pub(crate) fn never_coalesces(&self) -> bool {
        let members = self.members();
        !members.is_empty() && members.iter().all(|it| !it.info.coalesces())
    }

    /// Whether the subscription answers requests of some type.
    pub(crate) fn responds(&self) -> bool {
        self.answers().next().is_some()
    }

    /// The types of the requests that the subscription answers.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &'static TypeInfo> {
        let answered = self.members().iter().filter(|member| member.role == Role::Respond);
        answered.map(|member| member.info)
    }
}
