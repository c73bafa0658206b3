from sqlalchemy import ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Catalog(DeclarativeBase):
    metadata = MetaData(schema="catalog")


class Loans(DeclarativeBase):
    metadata = MetaData(schema="loans")


class Book(Catalog):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class Reader(Loans):
    __tablename__ = "reader"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Loan(Loans):
    __tablename__ = "loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("loans.reader.id"))
