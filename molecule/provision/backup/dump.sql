-- What the runbook's backup script wrote when there were two migrations.
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.alembic_version (version_num character varying(32) NOT NULL);

CREATE TABLE public.people (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name character varying(255) NOT NULL,
    email character varying(255),
    type character varying(20) NOT NULL,
    pgy_level integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT people_pgy_level CHECK (((pgy_level >= 1) AND (pgy_level <= 3))),
    CONSTRAINT people_type CHECK (((type)::text = ANY (ARRAY[('resident'::character varying)::text, ('faculty'::character varying)::text])))
);

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    username character varying(100) NOT NULL,
    email character varying(255) NOT NULL,
    hashed_password character varying(255) NOT NULL,
    role character varying(20) NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_role CHECK (((role)::text = ANY (ARRAY[('admin'::character varying)::text, ('coordinator'::character varying)::text, ('faculty'::character varying)::text, ('resident'::character varying)::text])))
);

COPY public.alembic_version (version_num) FROM stdin;
2a7d4e8b9c10
\.

COPY public.people (id, name, email, type, pgy_level, created_at) FROM stdin;
00000000-0000-4000-8000-000000000001	Ada of the Backup	ada@example.com	faculty	\N	2025-11-19 08:00:00+00
00000000-0000-4000-8000-000000000002	Ben of the Backup	ben@example.com	resident	2	2025-11-19 08:00:00+00
\.

COPY public.users (id, username, email, hashed_password, role, is_active, created_at) FROM stdin;
00000000-0000-4000-8000-000000000003	admin	admin@example.com	$argon2id$v=19$m=65536,t=3,p=4$+vTHR/LAY+Wt/J4gmRJ4aQ$b1C+TcK59nx7QmmswClOis2ef+O8+JvtU6Agic5gIc0	admin	t	2025-11-19 08:00:00+00
\.

ALTER TABLE ONLY public.alembic_version ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.people ADD CONSTRAINT people_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_username_key UNIQUE (username);

--
-- PostgreSQL database dump complete
--
